"""What differs between two images, made of the files that their runs have kept."""
