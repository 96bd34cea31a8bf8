"""What exists in each region, and how it changes with time."""
