"""Where jobs wait for their turn: threads of this process."""
