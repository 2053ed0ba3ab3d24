"""A registry as a store: runs the conversations of `wire` over a Transport."""
