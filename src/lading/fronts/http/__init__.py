"""What every HTTP door shares: the byte server."""
