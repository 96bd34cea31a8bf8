"""This machine: the files, processes and settings that notebake uses on it."""
