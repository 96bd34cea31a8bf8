"""Reports to those who pay: what an award's runs were, made and cost, and what proves it."""
