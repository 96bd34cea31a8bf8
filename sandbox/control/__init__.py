"""Bringing a sandbox up and down, and what that needs of this machine."""
