"""The demonstration market: a story of sugar, played through the public interfaces only."""
