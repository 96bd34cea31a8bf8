"""The ledger: for each run a chain of entries that are only ever added."""
