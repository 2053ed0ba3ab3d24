"""What our own content takes, and whether it is sound."""
