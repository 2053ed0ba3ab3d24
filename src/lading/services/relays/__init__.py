"""What a Docker host cannot move by itself goes through us."""
