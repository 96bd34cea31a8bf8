"""The image of a run: requested, found again, and whether it fits the current recipe."""
