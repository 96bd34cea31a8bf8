"""What exists in the account, whose it is, and what may be removed."""
