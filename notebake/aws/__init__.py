"""The only modules that speak to AWS."""
