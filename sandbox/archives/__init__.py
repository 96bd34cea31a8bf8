"""Archives of packages that change on request: one of apt's, and an index of Python packages."""
