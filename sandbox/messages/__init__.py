"""Calls and replies as they pass, and errors in each service's own form."""
