"""Moving images: sources, targets, what moves, what is said where it fails."""
