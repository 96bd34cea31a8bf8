"""Costs: awards, prices, the estimate of a build, what is metered, and sums of money."""
