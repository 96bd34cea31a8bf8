"""Each base image with a twist, baked for real: `make twists`."""
