"""Shell text for hosts. Pure: nothing here does I/O."""
