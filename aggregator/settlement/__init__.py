"""Money in and out of the market, and escrows; a `reference` says what for."""
