"""A bucket that remembers what it was asked for, by the names of its methods: each is a request, but for what is put in
parts, a list of more than a thousand and a removal of more than five hundred."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

from obstore.store import S3Store

from lading.backends.content_store.objects.bucket import SMALLEST_PART, Bucket, Entry


class CountedBucket(Bucket):
    def __init__(self, store: S3Store, hasty: S3Store, name: str) -> None:
        super().__init__(store, hasty, name)
        self.asked: list[str] = []

    def during(self, what: Callable[[], object]) -> list[str]:
        """What it is asked for by this."""
        self.asked.clear()
        what()
        return list(self.asked)

    def find(self, key: str) -> Entry | None:
        self.asked.append("find")
        return super().find(key)

    def part(self, key: str, offset: int, length: int) -> memoryview | None:
        self.asked.append("part")
        return super().part(key, offset, length)

    def stream(self, key: str, offset: int, length: int) -> Iterator[memoryview] | None:
        self.asked.append("stream")
        return super().stream(key, offset, length)

    def put(self, key: str, content: bytes | memoryview = b"") -> None:
        self.asked.append("put")
        super().put(key, content)

    def put_parts(self, key: str, parts: Iterable[bytes | memoryview], part_size: int = SMALLEST_PART) -> None:
        self.asked.append("put parts")
        super().put_parts(key, parts, part_size)

    def put_new(self, key: str, content: bytes = b"") -> bool:
        self.asked.append("put new")
        return super().put_new(key, content)

    def copy(self, key: str, to: str) -> bool:
        self.asked.append("copy")
        return super().copy(key, to)

    def remove(self, keys: Collection[str], *, at_once: bool = False) -> None:
        if keys:
            self.asked.append("remove")
        super().remove(keys, at_once=at_once)

    def entries(self, folder: str) -> Iterator[Entry]:
        self.asked.append("list")
        return super().entries(folder)
