"""Advisories made for tests, as files, zips and a bucket of dumps on loopback."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from email.utils import formatdate
from pathlib import Path

from lading.backends.advisories.keeping import AdvisoryFolder
from lading.backends.http.transport import HttpTransport
from lading.engine.cancel import Cancellation
from lading.services.scans.advisories import Imported, Origin, Schedule
from lading.wire.endpoint import Endpoint
from lading.wire.message import Transport
from tests.fakes.scripted_server import Asked, Reply

NOW = 1_790_000_000.0
"""When tests import: 2026-09-21."""

Record = Mapping[str, object]


def advisory(
    name: str,
    package: str = "demo",
    *,
    ecosystem: str = "PyPI",
    fixed: str = "2.0",
    modified: str = "2026-01-02T03:04:05Z",
    aliases: Sequence[str] = (),
    **fields: object,
) -> Record:
    """A whole record about one package."""
    events = [{"introduced": "0"}, {"fixed": fixed}]
    ranges = [{"type": "ECOSYSTEM", "events": events}]
    affected = [{"package": {"ecosystem": ecosystem, "name": package}, "ranges": ranges}]
    said = {"id": name, "modified": modified, "aliases": list(aliases), "summary": f"About {package}"}
    return {**said, "affected": affected, **fields}


def as_json(record: Record) -> bytes:
    return json.dumps(record).encode()


def folder_of(folder: Path, *records: Record) -> Path:
    """With a file for each."""
    folder.mkdir(exist_ok=True)
    for record in records:
        (folder / f"{record['id']}.json").write_bytes(as_json(record))
    return folder


def zip_of(*records: Record) -> bytes:
    """As a dump has them."""
    return zip_with((f"{record['id']}.json", as_json(record)) for record in records)


def zip_with(files: Iterable[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Whatever they are."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", method) as dump:
        for name, content in files:
            dump.writestr(name, content)
    return written.getvalue()


def no_network() -> Transport:
    """Nothing is fetched."""
    raise AssertionError("nothing is fetched here")


def plenty() -> None:
    """There is room."""


def loopback() -> HttpTransport:
    """The product's own, without proxies."""
    return HttpTransport(Endpoint, {}, "lading/test")


def kept_in(data: Path) -> AdvisoryFolder:
    """A data folder's, without a network, at NOW."""
    return AdvisoryFolder(data, no_network, Schedule("http://127.0.0.1:1"), lambda: NOW, plenty)


def brought(data: Path, place: Path, **how: str) -> Imported:
    """Imports it."""
    return kept_in(data).bring(Origin(str(place), **how), lambda _: None, Cancellation())


class Bucket:
    """Dumps as OSV has them: answers a ScriptedServer's requests, and remembers them. `modified` is when all of them
    were written, in seconds since 1970."""

    def __init__(self, modified: float | None = None) -> None:
        self.records: dict[str, list[Record]] = {}
        self.modified = time.time() if modified is None else modified
        self.asked: list[str] = []

    def __call__(self, asked: Asked) -> Reply:
        self.asked.append(asked.path)
        _, ecosystem, name = asked.path.split("/", 2)
        records = self.records.get(ecosystem)
        content = None if records is None else self._file(records, name)
        if asked.method != "GET" or content is None:
            return Reply(404)
        return Reply(200, [("Last-Modified", formatdate(self.modified, usegmt=True))], content)

    def _file(self, records: Sequence[Record], name: str) -> bytes | None:
        if name == "all.zip":
            return zip_of(*records)
        if name == "modified_id.csv":
            newest = sorted(records, key=lambda record: str(record["modified"]), reverse=True)
            return "".join(f"{record['modified']},{record['id']}\n" for record in newest).encode()
        return next((as_json(record) for record in records if f"{record['id']}.json" == name), None)
