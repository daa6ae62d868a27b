"""Group buys: gathering pledges for a cell, firming, one close, one award or a lapse."""
