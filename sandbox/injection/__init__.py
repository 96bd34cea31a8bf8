"""Where calls meet faults, and what those do."""
