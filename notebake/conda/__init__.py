"""conda environments. These modules run on the host, where they arrive as source text."""
