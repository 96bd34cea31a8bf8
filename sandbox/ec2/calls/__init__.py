"""EC2's calls: how they are read, who answers them, and what they describe."""
