"""The standing of firms: a score from what they kept and what they traded."""
