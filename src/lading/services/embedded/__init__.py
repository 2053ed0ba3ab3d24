"""Our own engine: the images of our own store, as every door sees them."""
