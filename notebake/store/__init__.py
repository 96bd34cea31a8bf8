"""Where runs are stored: the interface of a run store, and the store in a directory."""
