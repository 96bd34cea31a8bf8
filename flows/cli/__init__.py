"""The command `notebake`: one file for each command, and what they share."""
