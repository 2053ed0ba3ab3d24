"""Measure `lading serve` on an S3 server beside Debian's docker-registry on the same one, and write the table.

    python -m benchmarks.object_storage [--rounds 5] [--size 64] [--output FILE]

One process each, asked with a bearer token, taking turns; no bytes go past them. Needs docker-registry and SeaweedFS.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from benchmarks.registry import MIB, ROOT, registry_token
from benchmarks.registry_client import Served, blob_at, pull_blobs, push_blobs
from benchmarks.run import commit
from benchmarks.service_memory import Memory
from benchmarks.table import machine
from tests.fakes.certificates import Authority
from tests.fakes.signed_tokens import SignedTokens
from tests.peers import programs
from tests.peers.s3_server import BUCKET, KEY, SECRET, RunningS3, s3_server
from tests.peers.service_process import Service

BLOBS = 3


def main() -> int:
    """Returns 0 when the page was written, whatever it says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=64, help="of each blob, in MiB")
    parser.add_argument("--output", type=Path, default=ROOT / "docs/proof/object-storage.md")
    options = parser.parse_args()
    os.environ.pop("AWS_CA_BUNDLE", None)  # with it, that docker-registry does not begin
    page = "\n".join(measured(options.rounds, options.size)) + "\n"
    options.output.write_text(page)
    print(page)
    return 0


def measured(rounds: int, size: int) -> Iterator[str]:
    """The page's lines."""
    pushes: dict[str, list[float]] = {}
    pulls: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="lading-bench-") as name, s3_server() as s3:
        folder = Path(name)
        load = os.getloadavg()[0]
        with both(folder, s3) as (ours, theirs, memory):
            for number in range(rounds):
                blobs = [blob_at(folder / str(each), os.urandom(size * MIB)) for each in range(BLOBS)]
                for registry in (ours, theirs) if number % 2 else (theirs, ours):
                    pushes.setdefault(registry.name, []).append(push_blobs(registry, "app", blobs))
                    pulls.setdefault(registry.name, []).append(pull_blobs(registry, "app", blobs))
            processor, held = memory.cpu(), memory.now()
    yield "# Content in an object store, beside docker-registry"
    yield ""
    yield (
        f"Commit {commit()}, {datetime.now(UTC):%Y-%m-%d}; {machine()}; load average of other work when it began:"
        f" {load:.1f}. `lading serve` and Debian's docker-registry are one process each over one SeaweedFS on the same"
        " machine, taking turns, and all bytes go through them: nobody is sent on to the store. Made by `python -m"
        " benchmarks.object_storage`."
    )
    yield ""
    yield f"| {BLOBS} × {size} MiB at once, seconds, the median of {rounds} rounds | lading | docker-registry | × |"
    yield "|---|---:|---:|---:|"
    for what, found in (("PUT", pushes), ("GET", pulls)):
        mine, other = median(found["lading"]), median(found["docker-registry"])
        yield f"| {what} | {mine:.2f} | {other:.2f} | {mine / other:.2f} |"
    yield ""
    yield f"Our processor time in all: {processor:.1f} s; our memory in the end: {held:.0f} MiB."


@contextmanager
def both(folder: Path, s3: RunningS3) -> Iterator[tuple[Served, Served, Memory]]:
    """Ours and docker-registry, in folders of their own of one bucket."""
    authority = folder / "authority"
    authority.mkdir()
    signed = SignedTokens(Authority(authority), life=lambda _: 3600.0)
    driver = (
        f"s3: {{regionendpoint: '{s3.variables['AWS_ENDPOINT_URL']}', region: us-east-1, bucket: {BUCKET},"
        f" accesskey: {KEY}, secretkey: {SECRET}, secure: false, v4auth: true, rootdirectory: /theirs}},"
        " redirect: {disable: true}"
    )
    service = Service(folder / "data", {**s3.variables, "LADING_STORAGE": s3.address()})
    with ExitStack() as stack:
        token = signed.settings("http://127.0.0.1:1/token")
        theirs = stack.enter_context(programs.docker_registry(folder / "registry", token=token, driver=driver))
        child = stack.enter_context(service.running())
        yield (
            Served("lading", f"127.0.0.1:{service.registry_port}", registry_token(service)),
            Served("docker-registry", theirs.host, signed.mint(1, ["app:pull", "app:push"])),
            Memory([child.pid]),
        )


if __name__ == "__main__":
    raise SystemExit(main())
