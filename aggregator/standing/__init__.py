"""The standing of firms: what they kept, the tier it reaches, and what a tier is for."""
