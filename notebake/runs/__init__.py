"""What is stored of a run: its recipe, its lock, its attempts, its events and its files."""
