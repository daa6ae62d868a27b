"""What buyers need: requests as drafts, templates and repeats."""
