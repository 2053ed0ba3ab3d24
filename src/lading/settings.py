"""One frozen settings object, from flags, environment and file; read by main alone."""
