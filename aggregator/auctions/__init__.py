"""Auctions in both directions: opened by a seller, or by what gathers a volume above."""
