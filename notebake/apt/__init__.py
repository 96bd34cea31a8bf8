"""What runs on a host and describes its apt packages: with the standard library only."""
