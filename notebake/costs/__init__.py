"""What things cost: prices, the estimate of a build, costs a month."""
