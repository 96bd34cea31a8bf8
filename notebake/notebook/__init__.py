"""Executed notebooks: run, read, judged, shown as a page."""
