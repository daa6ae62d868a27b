"""Live prices: published from settled deals only, when a cell's batch is safe."""
