"""The door of agents that stand at Docker hosts: a WebSocket that they open, and keep."""
