"""The API's routes, by noun. Each reads what was asked, calls one service, and writes what came of it."""
