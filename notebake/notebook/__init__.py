"""Executed notebooks: executed on a host, read, judged, and rendered as a page."""
