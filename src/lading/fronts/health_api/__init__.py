"""What machines ask of a process that has no other page: whether it lives, whether it can work, what it counts."""
