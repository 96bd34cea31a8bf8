"""How EC2's calls are read, found and answered."""
