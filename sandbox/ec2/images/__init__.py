"""Images: made, described, shared, ended."""
