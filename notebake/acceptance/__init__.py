"""The proof of an image on machines that were started from it."""
