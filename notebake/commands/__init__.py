"""Pure text for the shell of a host: nothing here does I/O."""
