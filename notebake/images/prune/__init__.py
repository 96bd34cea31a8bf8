"""Which images of a recipe may go, by stages, and their end: deprecated, disabled, removed."""
