"""What others read of runs: reports to those who pay, and crates for those who use the results."""
