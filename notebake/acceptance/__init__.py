"""The acceptance test of an image, on machines that boot from it."""
