"""The catalogue of a region: every image, where it comes from, what it costs, who has it."""
