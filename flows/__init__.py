"""What a person or a schedule starts: order and parameters only."""
