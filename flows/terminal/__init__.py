"""What a person sees of a run, in a terminal, a pipe and a log file."""
