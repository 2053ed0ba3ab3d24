"""What is installed in images, read once and kept; and images as scanners read them."""
