"""The server: what answers HTTP, and what outlives a restart."""
