"""What notebake needs of the computer on which it runs: its home, its files, its processes."""
