"""A repository with everything that images need, a clock, and its rules of retention carried out."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from lading.oci.digest import Digest
from lading.services.repositories.edits import SetRetention, SetRules
from lading.services.repositories.retention_rules import RetentionRule
from lading.services.repositories.rules import Rule
from lading.services.retention.retention import Retention, drop_tags, drop_untagged
from tests.fakes.registry_world import BLOBS, DAY, RETENTION, Document, World
from tests.fakes.repository_records import MemoryRecords

APP = "app"
WIDE_RETENTION = tuple(
    replace(rule, repositories=repositories)
    for rule in RETENTION[:4]
    for repositories in (("prod/*",), ("*",), ("app", "test/app"))
)


class Place:
    """A repository with everything that images need, and a clock."""

    def __init__(self) -> None:
        self.records = MemoryRecords()
        self.world = World(self.records, Random(0))
        for raw in BLOBS:
            self.world.content.held[Digest.of(raw)] = raw
            self.world.repositories.hold_blob(APP, Digest.of(raw), len(raw))

    def put(self, document: Document, *tags: str) -> Digest:
        digest = document.descriptor.digest
        self.world.put(APP, document, digest, tags)
        return digest

    def later(self, days: float) -> None:
        self.world.now += days * DAY

    def rule(self, *rules: RetentionRule) -> None:
        self.world.repositories.change(APP, lambda _view: [SetRetention(rules)])

    def protect(self, *rules: Rule) -> None:
        self.world.repositories.change(APP, lambda _view: [SetRules(rules)])

    def looked(self) -> Retention:
        return Retention(self.records.view(APP), APP, self.world.now)

    def kept(self) -> dict[str, bool]:
        return {verdict.tag.name: verdict.kept for verdict in self.looked().verdicts()}

    def run(self, most: int = 1000) -> None:
        run(self.world, APP, most)

    def tags(self) -> list[str]:
        return list(self.records.tags(APP, "", 100))

    def holds(self, document: Document) -> bool:
        return self.records.view(APP).manifest(document.descriptor.digest) is not None


def run(world: World, repository: str, most: int = 1000) -> None:
    """So many at once, until nothing goes."""
    for decide in (drop_tags, drop_untagged):
        while world.repositories.change(repository, decide(repository, world.now, most)):
            pass
