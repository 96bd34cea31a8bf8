"""What is baked: the image of a run, found again, asked for, and judged as it stands."""
