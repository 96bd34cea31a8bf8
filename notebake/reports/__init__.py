"""What others read of runs: reports to those who pay."""
