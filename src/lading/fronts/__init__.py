"""Doors in: translate between the outside and the services. Fronts ignore each other and know no backend."""
