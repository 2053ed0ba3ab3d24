"""Images as people look at them: lists, what is inside, who shares it, where else it is, what protects it."""
