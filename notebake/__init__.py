"""What the runbook knows how to do. Imports no Prefect."""
