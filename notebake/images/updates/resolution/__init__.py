"""What uv or rattler would install today, found without a machine and without building anything."""
