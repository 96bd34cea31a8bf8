"""Programs of the tests that run on a host, each alone."""
