"""One prefix of one bucket: objects put, read, listed, copied and removed; the store's refusals become our errors."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    GenericError,
    NotFoundError,
    PreconditionError,
)
from obstore.store import S3Store

from lading.errors import InputInvalid, LadingError, StorageFailed, Unavailable
from lading.services.outages import Outage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from obstore import Attributes, ObjectMeta

SMALLEST_PART = 5 * 1024 * 1024
"""Bytes of a part of a multipart upload, but the last (Amazon S3, Multipart upload limits)."""

MOST_PARTS = 10_000

PARTS_AT_ONCE = 3
"""Parts of one object that are under way: each is memory."""

REMOVED_AT_ONCE = 500

SMALLEST_PIECE = 64 * 1024
"""Bytes of a streamed object that are worth handing on; the last piece may have fewer."""

REQUEST_SECONDS, RETRIED_SECONDS = 60.0, 20.0
"""The longest silence within an answer; and how long one request is repeated where the store is busy or away."""

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 2.0
"""Between those."""

HASTY_SECONDS = 10.0
"""The longest silence where an answer that comes late is worth nothing."""

NO_PAGE: Attributes = {"Content-Type": "application/octet-stream"}
"""Of every object. Some stores else give it the type that its bytes seem to be of, and a browser that has a signed
address of it then shows a page that whoever may push has written."""

LARGEST_COPY = 5 * 1024**3
"""Bytes of an object that a store copies by itself (Amazon S3, CopyObject)."""

INSTANCE_METADATA = "http://169.254.169.254/"
"""Where a machine of Amazon's tells its own keys: asked where none are set."""

_MISSING = (FileNotFoundError, NotFoundError)


class StorageInvalid(InputInvalid):
    """What names a bucket is no address of one."""

    hint = "s3://BUCKET or s3://BUCKET/PREFIX, with AWS_ENDPOINT_URL, AWS_REGION and the other AWS_ variables"

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"{self.text!r} names no bucket"


class BucketFailed(StorageFailed):
    """The object store did not do its part; `what` was being done with `key`."""

    hint = "Look whether the object store answers, and whether AWS_ENDPOINT_URL and the keys are right."

    def __init__(self, bucket: str, what: str, key: str, why: str) -> None:
        super().__init__(bucket, what, key, why)
        self.bucket, self.what, self.key, self.why = bucket, what, key, why

    def __str__(self) -> str:
        return f"{self.bucket} could not {self.what} {self.key}"

    @property
    def afar(self) -> str:
        """Where the bucket is nobody's business."""
        return "the object store failed"


class BucketAway(BucketFailed, Unavailable):
    """It does not answer, or says that it cannot for now."""

    hint = Unavailable.hint
    command = BucketFailed.hint


@dataclass(frozen=True, slots=True)
class Entry:
    """An object: its key, its size in bytes, when it was written, in seconds since 1970, and what the store calls this
    writing of it."""

    key: str
    size: int
    written: float
    tag: str | None = None

    @classmethod
    def of(cls, meta: ObjectMeta) -> Entry:
        """As the store tells it."""
        return cls(meta["path"], meta["size"], meta["last_modified"].timestamp(), meta["e_tag"])


class Bucket:
    """For any number of threads. Keys are below the prefix. Every method raises BucketFailed."""

    def __init__(self, store: S3Store, hasty: S3Store, name: str) -> None:
        """`hasty` is the same place, where nothing is asked twice; `name` is what people read."""
        self._store, self._hasty, self.name = store, hasty, name
        self._outage = Outage(f"the object store {name}", time.monotonic)

    @classmethod
    def at(cls, address: str) -> Self:
        """Of `s3://BUCKET/PREFIX`; keys, endpoint and region come from the usual AWS_ variables, and so does whether it
        is reached over plain HTTP: by its address. Raises StorageInvalid."""
        parts = urlsplit(address)
        named = re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", parts.netloc)
        if parts.scheme != "s3" or named is None or parts.query or parts.fragment:  # what stands there would be lost
            raise StorageInvalid(address)
        prefix = parts.path.strip("/") or None
        store, hasty = (
            S3Store(
                parts.netloc,
                prefix=prefix,
                client_options={
                    "allow_http": True,  # where the endpoint says so, and nowhere else
                    "connect_timeout": "10s",
                    "timeout": "1d",  # of a request whole: what ends a silent one is the next
                    "read_timeout": f"{silent:g}s",
                },
                retry_config={
                    "max_retries": retries,
                    "retry_timeout": timedelta(seconds=RETRIED_SECONDS),
                    "backoff": {
                        "init_backoff": timedelta(seconds=FIRST_PAUSE_SECONDS),
                        "max_backoff": timedelta(seconds=LONGEST_PAUSE_SECONDS),
                        "base": 2,
                    },
                },
            )
            for silent, retries in ((REQUEST_SECONDS, 1000), (HASTY_SECONDS, 0))
        )
        return cls(store, hasty, address.rstrip("/"))

    def check(self) -> None:
        """Whether it answers, and we may list it; asked once. Raises BucketFailed."""
        with self._translating("list", "its objects"):
            next(obstore.list(self._hasty), None)

    def size(self, key: str) -> int | None:
        """In bytes; None where there is no such object."""
        found = self.find(key)
        return None if found is None else found.size

    def find(self, key: str) -> Entry | None:
        """None where there is no such object."""
        with self._translating("look at", key):
            try:
                head = obstore.head(self._store, key)
            except _MISSING:
                return None
        return Entry.of(head)

    def part(self, key: str, offset: int, length: int) -> memoryview | None:
        """`length` bytes from `offset` on, all in memory; None where there is no such object."""
        with self._translating("read", key):
            try:
                return memoryview(obstore.get_range(self._store, key, start=offset, length=length))
            except _MISSING:
                return None

    def stream(self, key: str, offset: int, length: int) -> Iterator[memoryview] | None:
        """The same piece by piece, as they come over a connection that is held until the iterator ends or is let go;
        None where there is no such object. The iterator raises BucketFailed, too."""
        with self._translating("read", key):
            try:
                found = obstore.get(self._store, key, options={"range": (offset, offset + length)})
            except _MISSING:
                return None
        return self._pieces(key, found.stream(SMALLEST_PIECE))

    def _pieces(self, key: str, stream: Iterator[bytes]) -> Iterator[memoryview]:
        while True:
            with self._translating("read", key):
                piece = next(stream, None)
            if piece is None:
                return
            yield memoryview(piece)

    def put(self, key: str, content: bytes | memoryview = b"") -> None:
        """All of it in one request, in place of what was there."""
        with self._translating("take", key):
            obstore.put(self._store, key, bytes(content), attributes=NO_PAGE, use_multipart=False)

    def put_parts(self, key: str, parts: Iterable[bytes | memoryview], part_size: int = SMALLEST_PART) -> None:
        """What `parts` gives, in order; the object is there once it has given the last. What it raises leaves no
        object. `parts` may ask the bucket, too: it runs on a thread of its own, as the library's may ask nothing."""
        failure: list[Exception] = []
        with self._translating("take", key), ThreadPoolExecutor(1, "parts") as thread:

            def given() -> Iterator[bytes | memoryview]:
                source = iter(parts)
                try:
                    while (part := thread.submit(next, source, None).result()) is not None:
                        yield part
                except Exception as error:
                    failure.append(error)
                    raise

            try:
                obstore.put(
                    self._store,
                    key,
                    given(),
                    attributes=NO_PAGE,
                    use_multipart=True,
                    chunk_size=part_size,
                    max_concurrency=PARTS_AT_ONCE,
                )
            except Exception:
                if failure:  # the library may wrap what was raised
                    raise failure[0] from None
                raise

    def put_new(self, key: str, content: bytes = b"") -> bool:
        """Whether there was none; one that is there stays as it is."""
        with self._translating("take", key):
            try:
                obstore.put(self._store, key, content, attributes=NO_PAGE, mode="create")
            except (AlreadyExistsError, PreconditionError):
                return False
        return True

    def copy(self, key: str, to: str) -> bool:
        """Within the store: no byte passes here. False where there is no such object."""
        with self._translating("copy", key):
            try:
                obstore.copy(self._store, key, to)
            except _MISSING:
                return False
        return True

    def remove(self, keys: Collection[str], *, at_once: bool = False) -> None:
        """Those that are gone already are no fault. `at_once`: or not at all; nothing is asked twice."""
        store = self._hasty if at_once else self._store
        waiting = list(keys)
        while waiting:
            some, waiting = waiting[:REMOVED_AT_ONCE], waiting[REMOVED_AT_ONCE:]
            with self._translating("remove", some[0]):
                try:
                    obstore.delete(store, some)
                except _MISSING:  # a store that tells: some of them were there
                    for key in some:
                        _remove_one(store, key)

    def entries(self, folder: str) -> Iterator[Entry]:
        """All below `folder/`, in order of key; pages as it goes."""
        with self._translating("list", folder):
            pages = obstore.list(self._store, folder)
        while True:
            with self._translating("list", folder):
                page = next(pages, None)
            if page is None:
                return
            for meta in page:
                yield Entry.of(meta)

    def signed_url(self, key: str, seconds: float) -> str:
        """Where whoever has this address may GET the object, for so long. The store is not asked, and may be away."""
        try:
            return obstore.sign(self._store, "GET", key, timedelta(seconds=seconds))
        except (BaseError, OSError) as error:
            raise self._failure("sign an address of", key, error) from error

    @contextmanager
    def _translating(self, what: str, key: str) -> Iterator[None]:
        try:
            yield
        except LadingError:
            raise
        except (BaseError, OSError) as error:
            failure = self._failure(what, key, error)
            if isinstance(failure, BucketAway):
                self._outage.failed(failure)
            raise failure from error
        self._outage.answered()

    def _failure(self, what: str, key: str, error: BaseError | OSError) -> BucketFailed:
        kind = BucketAway if _is_away(error) else BucketFailed
        return kind(self.name, what, key, _reason(error))


def _remove_one(store: S3Store, key: str) -> None:
    try:
        obstore.delete(store, key)
    except _MISSING:
        return


_STATUS = re.compile(r"status code: (\d{3}) [A-Za-z ]+")
_CERTIFICATE = re.compile(r"InvalidCertificate\(\s*(\w{1,40})")
_NO_TLS = re.compile(r"InvalidMessage\(\s*InvalidContentType")
_NO_ANSWER = "HTTP error"
_TOO_MANY, _FAILED = 429, 500


def _is_away(error: BaseError | OSError) -> bool:
    """Whether the same may go well in a while. The library gives neither a status nor a class for it: of what has none
    of its own it has one class, and the status in the text alone."""
    said = str(error)
    if not isinstance(error, GenericError) or INSTANCE_METADATA in said:
        return isinstance(error, ConnectionError | TimeoutError)
    status = _STATUS.search(said)
    return _NO_ANSWER in said if status is None else int(status[1]) == _TOO_MANY or int(status[1]) >= _FAILED


def _reason(error: Exception) -> str:
    """For people. Never what it says as a whole: addresses in it may be signed."""
    said = str(error)
    if INSTANCE_METADATA in said:
        return "AWS_ACCESS_KEY_ID is not set, and this machine has no role of its own"
    status, code = _STATUS.search(said), re.search(r"<Code>(\w{1,64})</Code>", said)
    if status is None:
        return _silence(said) if _NO_ANSWER in said else said.partition(": ")[0][:100]
    return f"it answered {status[0].removeprefix('status code: ')}" + (f" ({code[1]})" if code else "")


def _silence(said: str) -> str:
    if certificate := _CERTIFICATE.search(said):
        return f"its certificate is not taken here ({certificate[1]}); SSL_CERT_FILE names further authorities"
    return "it does not answer in TLS" if _NO_TLS.search(said) else "it cannot be reached"
