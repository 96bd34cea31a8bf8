"""Notebook servers: machines started from an image for a person, who works in a browser."""
