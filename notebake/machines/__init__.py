"""Machines of a run: launched, reached by ssh, booted, kept alive."""
