"""The Prefect server of an execution: the user's own, or one that notebake starts."""
