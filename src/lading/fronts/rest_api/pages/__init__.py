"""Pages that work without script: set-up, login, status and the reference of the API."""
