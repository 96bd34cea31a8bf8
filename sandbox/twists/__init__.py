"""Base images with a twist: machines as the field has them, and as nobody likes them."""
