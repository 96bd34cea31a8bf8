"""The machines of a run: launched, reached by ssh, booted, renewed."""
