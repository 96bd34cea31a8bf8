"""apt's archives, asked without apt: sources, signed releases, indexes, and which version wins."""
