"""The door that servers of one database have for each other: agents that another of them holds."""
