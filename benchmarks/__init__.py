"""Measurements: what a bake costs, against what, and where its seconds go."""
