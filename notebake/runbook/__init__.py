"""What a step is: found, made, undone; by which digest it is known; how far a run is."""
