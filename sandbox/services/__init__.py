"""What stands beside EC2: Systems Manager, quotas, prices, schedules."""
