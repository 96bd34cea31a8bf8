"""What runs the flows on this machine, and the recipes that they run."""
