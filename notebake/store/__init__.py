"""Where runs are kept: the interface of a run store, and the store in a directory."""
