"""The idle stop: its rule on what real hosts showed, and beside it the rules of others."""
