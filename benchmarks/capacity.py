"""What a push, a pull, a job and a follower take of each part, measured; and carried to more than one machine bears.

    python -m benchmarks.capacity [--rounds N] [--output FILE]

One server and one worker on a real PostgreSQL and SeaweedFS, behind HAProxy. Requests to the object store are HAProxy's
count, statements are pg_stat_statements'; processor time is the system's, of the processes and their children. What the
same processes take while nobody asks is taken off.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path

import psycopg

from benchmarks.capacity_model import (
    CHECK,
    LARGE,
    MANY,
    MIB,
    QUANTITIES,
    SMALL,
    Costs,
    Load,
    Shape,
    carried,
    per_day,
    told,
)
from benchmarks.run import commit
from benchmarks.scale.deployment import Deployment, deployment
from benchmarks.service_memory import Memory
from benchmarks.table import machine
from lading.backends.database.service_database import open_service_database
from lading.services.audit.audit import Deed, Result
from lading.services.audit.records import AuditEntry

ROOT = Path(__file__).resolve().parent.parent
SETTLING_SECONDS, IDLE_SECONDS = 20.0, 20.0
FOLLOWERS = 200
WRITERS, ENTRIES = 8, 3000
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"

_COUNTS = """
SELECT sum(calls), sum(calls) FILTER (WHERE query = 'COMMIT'),
    sum(rows) FILTER (WHERE query ~* '^\\s*(insert|update|delete)'),
    (SELECT count(*) FROM audit), sum(wal_bytes) / 1024.0,
    pg_database_size(current_database()) / 1024.0
FROM pg_stat_statements JOIN pg_database ON dbid = pg_database.oid WHERE datname = current_database()
"""


class Registry:
    """One connection to one, as docker has them."""

    def __init__(self, port: int, authorization: str | None = None) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._login = {} if authorization is None else {"Authorization": authorization}
        self._requests, self._location = 0, ""

    def close(self) -> None:
        """Until the next question."""
        self._connection.close()

    def ask(self, method: str, path: str, body: bytes | None = None, kind: str = "application/octet-stream") -> bytes:
        """The body of the answer, which is no refusal but "not there"."""
        self._requests += 1
        self._connection.request(method, path, body, {"Content-Type": kind, **self._login})
        answer = self._connection.getresponse()
        content = answer.read()
        assert answer.status in {200, 201, 202, 404}, (method, path, answer.status, content[:300])
        self._location = answer.getheader("location") or ""
        return content

    def push(self, name: str, shape: Shape, tag: str = "1") -> int:
        """All of it new: looked for, begun, sent, closed; then the manifest. So many requests."""
        before = self._requests
        layers = [os.urandom(shape.size) for _ in range(shape.layers)]
        config = json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": {"Labels": {"name": name}},
                "rootfs": {"type": "layers", "diff_ids": [_digest(layer) for layer in layers]},
            }
        ).encode()
        for blob in (*layers, config):
            self._upload(name, blob)
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": {"mediaType": CONFIG_TYPE, "digest": _digest(config), "size": len(config)},
            "layers": [{"mediaType": LAYER_TYPE, "digest": _digest(each), "size": len(each)} for each in layers],
        }
        self.ask("PUT", f"/v2/{name}/manifests/{tag}", json.dumps(manifest).encode(), MANIFEST_TYPE)
        return self._requests - before

    def pull(self, name: str) -> int:
        """All of it, by so many requests."""
        before = self._requests
        manifest = json.loads(self.ask("GET", f"/v2/{name}/manifests/1"))
        for each in (manifest["config"], *manifest["layers"]):
            content = self.ask("GET", f"/v2/{name}/blobs/{each['digest']}")
            assert len(content) == each["size"]
        return self._requests - before

    def _upload(self, name: str, blob: bytes) -> None:
        self.ask("HEAD", f"/v2/{name}/blobs/{_digest(blob)}")
        self.ask("POST", f"/v2/{name}/blobs/uploads/", b"")
        location = self._location[self._location.index("/v2/") :]
        self.ask("PATCH", location, blob)
        location = self._location[self._location.index("/v2/") :]
        sign = "&" if "?" in location else "?"
        self.ask("PUT", f"{location}{sign}digest={_digest(blob).replace(':', '%3A')}", b"")


def _digest(content: bytes) -> str:
    return f"sha256:{sha256(content).hexdigest()}"


class Meter:
    """Reads everything that counts; `idle` is what a second takes while nobody asks."""

    def __init__(self, place: Deployment) -> None:
        self._place = place
        self._database = psycopg.connect(place.database, autocommit=True)
        self._database.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        (backend,) = self._database.execute("SELECT pg_backend_pid()").fetchone() or (0,)
        postmaster = int(Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()[1])
        ours = [process.pid for process in (*place.replicas, *place.workers) if process.pid is not None]
        self.ours, self._postgres = Memory(ours), Memory([postmaster])
        self.idle = dict.fromkeys(QUANTITIES, 0.0)

    def rest(self) -> None:
        """Learn what they take while nobody asks: some time after they began, and once they did what they do later."""
        time.sleep(SETTLING_SECONDS)  # what is measured is what they do by themselves
        began, before = time.monotonic(), self._counts()
        time.sleep(IDLE_SECONDS)
        after, seconds = self._counts(), time.monotonic() - began
        self.idle = {name: (after[name] - before[name]) / seconds for name in QUANTITIES}

    def costs(self, operation: Callable[[str], int], names: Sequence[str]) -> Costs:
        """Of one, in the mean of all names; the operation tells how many requests it made."""
        began, before, rounds = time.monotonic(), self._counts(), len(names)
        requests = sum(operation(name) for name in names)
        after, seconds = self._counts(), time.monotonic() - began
        found = {name: (after[name] - before[name] - self.idle[name] * seconds) / rounds for name in QUANTITIES}
        found["requests to us"] = requests / rounds
        return {name: max(0.0, value) for name, value in found.items()}

    def _counts(self) -> dict[str, float]:
        row = self._database.execute(_COUNTS).fetchone()
        assert row is not None
        requests, moved = self._place.store.counted("store")
        values = (0.0, *row, requests, moved / MIB, self.ours.cpu() * 1000, self._postgres.cpu() * 1000)
        return {name: float(value or 0) for name, value in zip(QUANTITIES, values, strict=True)}


def followers(place: Deployment, meter: Meter) -> str:
    """What so many who listen take, while nothing happens."""
    with ExitStack() as stack:
        before = meter.ours.now()
        for _ in range(FOLLOWERS):
            connection = stack.enter_context(closing(place.api.connection()))
            headers = {"Authorization": f"Bearer {place.api.token}", "Accept": "text/event-stream"}
            connection.request("GET", "/api/audit/events", headers=headers)
            assert connection.getresponse().status == 200
        more = (meter.ours.now() - before) / FOLLOWERS * 1024
        cpu, began = meter.ours.cpu(), time.monotonic()
        time.sleep(IDLE_SECONDS)
        part = (meter.ours.cpu() - cpu) / (time.monotonic() - began)
    idle = meter.idle["our CPU ms"] / 1000
    return (
        f"{FOLLOWERS} followers of the audit trail to whom nothing is told: {more:.0f} KiB each, and all together"
        f" {max(0.0, part - idle):.1%} of one core."
    )


def in_turn(place: Deployment) -> str:
    """How many entries of the audit trail are written when many want to: one after the other, whoever writes them."""
    deed = Deed("measure", "server", "", "")
    entry = AuditEntry(time.time(), "capacity", None, None, deed, Result.DONE)
    with closing(open_service_database(place.database, time.time)) as database, ThreadPoolExecutor(WRITERS) as threads:
        began = time.monotonic()
        list(threads.map(database.audit.append, [entry] * ENTRIES))
        rate = ENTRIES / (time.monotonic() - began)
    return f"{WRITERS} threads of one process append {rate:,.0f} entries a second to the audit trail, in turn."


def measured(place: Deployment, meter: Meter, rounds: int) -> Mapping[str, Mapping[Shape, Costs]]:
    """By operation and shape."""
    login = base64.b64encode(f"admin:{place.api.token}".encode()).decode()
    ours = Registry(place.api.registry_port, f"Basic {login}")
    outside = Registry(int(place.outside.host.rpartition(":")[2]))
    found: dict[str, dict[Shape, Costs]] = {"push": {}, "pull": {}, "job": {}}
    place.api.registry(place.outside.host)
    outside.push("capacity/warm", SMALL)
    ours.push("capacity/warm", SMALL)
    ours.pull("capacity/warm")
    _job(place, "capacity/warm")
    meter.rest()
    for at, shape in enumerate((SMALL, MANY, LARGE, CHECK)):
        few = max(2, rounds // 4) if shape.mib > 1 else rounds
        names = [f"capacity/shape{at}-{number}" for number in range(few)]
        for name in names:
            outside.push(name, shape)
        found["push"][shape] = meter.costs(partial(ours.push, shape=shape), names)
        found["pull"][shape] = meter.costs(ours.pull, names)
        found["job"][shape] = meter.costs(partial(_job, place), names)
    return found


def _job(place: Deployment, name: str) -> int:
    wanted = {"image": f"{place.outside.host}/{name}:1"}
    status, body = place.api.ask("POST", "/api/images/pull", wanted, {"Accept": "application/json"})
    assert status == 200, body
    return 1


def page(place: Deployment, rounds: int) -> Iterator[str]:
    """Its lines, as they become known."""
    meter = Meter(place)
    size = meter.ours.now()
    found = measured(place, meter, rounds)
    for name, title in (("push", "A push by /v2/"), ("pull", "A pull by /v2/"), ("job", "A job: a pull by a worker")):
        yield from told(title, found[name])
    idle = ", ".join(f"{name} {meter.idle[name]:.1f}" for name in QUANTITIES[1:])
    yield from [
        "### While nobody asks",
        "",
        f"A second of one server and one worker: {idle}. Their memory together: {size:.0f} MiB.",
    ]
    yield from ["", "### Followers", "", followers(place, meter), ""]
    yield from ["### In turn", "", in_turn(place), ""]
    load = Load()
    yield from ["### On paper", "", *carried(load, found), "", *per_day(load, found["push"]), ""]


def main() -> int:
    """Writes the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capacity")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--output", type=Path, default=ROOT / "docs/proof/capacity.md")
    options = parser.parse_args()
    began = (
        f"Commit {commit()}, {datetime.now(UTC):%Y-%m-%d}; {machine()}; load average of other work when it began:"
        f" {os.getloadavg()[0]:.1f}. Made by `python -m benchmarks.capacity`."
    )
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        deployment(Path(folder), 1, 1, counting=True) as place,
    ):
        lines = ["# What an operation takes", "", began, "", *page(place, options.rounds)]
    options.output.write_text("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
