"""What a person reads and presses in Prefect's UI: names, messages, artifacts, logs, buttons."""
