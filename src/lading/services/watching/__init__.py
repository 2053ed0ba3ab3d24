"""Jobs as people watch them: one, or all on a board."""
