"""The hub: agents of this process and of others, each reached where it is held."""
