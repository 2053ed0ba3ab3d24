"""Where logins stand: the places are looked through in this order, and the first that has one wins (interfaces §3).

    1  the flags of this call
    2  our own file, encrypted                 sources → own, sealing
    3  DOCKER_AUTH_CONFIG                      sources → config_file
    4  docker's config.json, and its helpers   sources → config_file → helpers
    5  podman's auth.json                      sources → config_file
    –  nothing: anonymous

Within one place the longest path that fits a repository wins. Docker's own logins are written only by `docker_logins`.

Beside them: `box` seals what the service keeps, and `authority` signs the certificates of the Docker door.
"""
