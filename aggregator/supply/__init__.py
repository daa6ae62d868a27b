"""What suppliers offer: price breaks by total volume, and a capacity that is never oversold."""
