"""What is traded: instruments with their terms, regions, delivery months."""
