"""One file per step: how it is found, made and undone."""
