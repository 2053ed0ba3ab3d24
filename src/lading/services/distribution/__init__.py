"""One image brought to many Docker hosts out of our own registry."""
