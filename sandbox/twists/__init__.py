"""Base images with a twist: machines that differ from a plain Ubuntu, as real machines do."""
