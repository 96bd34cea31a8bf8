"""Steps: how they find, make and undo, their plan and digests, and the progress of a run."""
