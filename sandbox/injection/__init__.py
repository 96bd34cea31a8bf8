"""Applies faults to calls, and to the resources and machines behind them."""
