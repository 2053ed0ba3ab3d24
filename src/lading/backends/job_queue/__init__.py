"""Where jobs wait for their turn: threads of this process, or workers that are handed them over."""
