"""Relay, wired: how images of Docker hosts come into our own store, and what sends them on."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from functools import partial

from lading.backends.content_store.packed_layer import packed_layer
from lading.backends.content_store.sieved_archive import sieved_archive
from lading.main.hosts import Hosts
from lading.main.own_engine import Lanes, lanes_for
from lading.main.public_registry import public_registry
from lading.main.scanning import Ground
from lading.services.relays.archives import Archived
from lading.services.relays.relays import Bring, Relays
from lading.services.relays.staging import FOR_RELAYS, RELAYS, TAG_START, Staged, StagingRegistry
from lading.services.repositories.logins import RepositoryLogins
from lading.services.repositories.passing_tags import PassingTags
from lading.services.repositories.repositories import Repositories
from lading.services.schedules import Chore

HOUR = 60 * 60.0

KNOWN_SECONDS = 90 * 24 * HOUR
"""How long it is remembered under which digest a layer was packed that no host sends any more."""


class RelayCare:
    """What does relays' work, and what is left to do about it."""

    def __init__(self, ground: Ground, hosts: Hosts) -> None:
        """`hosts` are where the images are."""
        self._layers = ground.database.layers
        self._tags: PassingTags | None = None
        wanted, queue = Lanes.of(ground.settings).push, hosts.queue
        places = ground.engine.places
        self.relays = Relays(self._bring(ground), places, lambda: lanes_for(wanted, queue.running), hosts.limit)

    def chores(self) -> Sequence[Chore]:
        """What is done from time to time."""
        layers = Chore("relayed layers", 24 * HOUR, lambda: self._layers.forget(time.time() - KNOWN_SECONDS))
        return (layers,) if self._tags is None else (layers, Chore("relay leftovers", HOUR, self._tags.forget_left))

    def _bring(self, ground: Ground) -> Bring:
        """Docker hosts push to us where we are told how others reach our registry, and hand out archives elsewhere."""
        own, scratch = ground.engine.places.local, ground.data / "scratch"
        opened = partial(sieved_archive, scratch=scratch, name="the Docker host's archive")
        archived = Archived(opened, partial(packed_layer, scratch=scratch), lambda: own().own, self._layers, time.time)
        endpoint = public_registry(ground.settings)
        if endpoint is None:
            return archived
        database = ground.database
        repositories = Repositories(database.repositories, ground.engine.content, clock=time.time)
        self._tags = PassingTags(repositories, database.repositories, RELAYS, TAG_START, time.time)
        logins = RepositoryLogins(database.users, database.tokens, FOR_RELAYS, time.time, os.urandom)
        lent = None if ground.settings.no_auth else logins
        registry = StagingRegistry(endpoint, repositories, lent, self._tags, lambda: own().own)
        return Staged(registry, self._layers, archived, clock=time.time, monotonic=time.monotonic)
