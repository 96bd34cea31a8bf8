"""Costs: the price table, the estimate of a build, monthly costs."""
