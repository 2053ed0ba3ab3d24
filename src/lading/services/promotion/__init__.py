"""An image of one of our repositories becomes a tag of another."""
