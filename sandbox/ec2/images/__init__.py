"""Images: created, described, shared, deregistered."""
