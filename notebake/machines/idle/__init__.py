"""Stops a server that nobody uses: the program that runs on it, each minute, as root.

It imports the standard library only (Python 3.9 or newer), as it runs with the host's own Python.
"""
