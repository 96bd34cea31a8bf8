"""Crates of recorded runs, judged by the validator of those who made the profiles."""
