"""What the runbook can do. Imports no Prefect."""
