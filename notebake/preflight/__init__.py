"""Checks whatever can fail before anything costs money, and reports all findings at once.

One file per topic. A finding is good only after a successful check; what could not be checked is
reported as such.
"""
