"""The Prefect server for as long as something is executed: the user's own, or ours."""
