"""The independent checker of every result, and nothing else."""
