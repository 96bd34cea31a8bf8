"""What a person would have typed and clicked by hand, for a run or a notebook server."""
