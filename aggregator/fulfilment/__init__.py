"""Goods on their way: shipped, delivered, accepted, returned."""
