"""What is kept of a run: what was asked for, who executes it, what was tried, what came of it."""
