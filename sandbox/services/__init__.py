"""The services besides EC2: Systems Manager, quotas, prices, schedules, and a git server."""
