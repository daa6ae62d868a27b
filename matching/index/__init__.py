"""The price index: one value per cell, from settled deals only, when it is safe."""
