"""When a newer image of a recipe is baked without being asked for, and what is kept of that."""
