"""A real S3 server, SeaweedFS, on free ports, in a folder of its own, which goes with it."""

from __future__ import annotations

import contextlib
import itertools
import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import obstore
from obstore.store import S3Store

from tests.peers import programs

BUCKET, KEY, SECRET = "images", "lading", "only-for-tests"
BEGINS_SECONDS = 60.0


@dataclass(frozen=True)
class RunningS3:
    """It is up; `variables` are what reaches it, `address()` a new place in it; `master` is what its own shell asks."""

    port: int
    master: str
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1), repr=False)

    @property
    def variables(self) -> Mapping[str, str]:
        """The usual variables, for whoever is to use it."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
        }

    def address(self) -> str:
        """`s3://` of the bucket, with a prefix that nobody has used."""
        return f"s3://{BUCKET}/{next(self._numbers)}/content"

    def bucket(self, name: str) -> S3Store:
        """As its client sees it, whether it is there or not."""
        return S3Store(
            name,
            endpoint=self.variables["AWS_ENDPOINT_URL"],
            access_key_id=KEY,
            secret_access_key=SECRET,
            region="us-east-1",
            client_options={"allow_http": True},
        )

    def begin(self) -> None:
        """Makes the bucket: the server does when something is put into one that is not there."""
        obstore.put(self.bucket(BUCKET), "somebody-else", b"not ours")


def weed() -> str:
    """The program."""
    beside = Path(sys.executable).parent / "weed"
    program = str(beside) if beside.exists() else programs.find("weed")
    assert program, "SeaweedFS is not installed"
    return program


@contextlib.contextmanager
def s3_server() -> Iterator[RunningS3]:
    """Made anew."""
    folder = Path(tempfile.mkdtemp(prefix="lading-s3-"))
    try:
        with _running(folder) as server:
            yield server
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def _running(folder: Path) -> Iterator[RunningS3]:
    rights = folder / "rights.json"
    login = {"accessKey": KEY, "secretKey": SECRET}
    rights.write_text(
        json.dumps(
            {"identities": [{"name": KEY, "credentials": [login], "actions": ["Admin", "Read", "Write", "List"]}]}
        )
    )
    (folder / "kept").mkdir()
    ports = {name: programs.free_port() for name in ("master", "volume", "filer", "s3")}
    grpc = {name: programs.free_port() for name in ports}
    command = [
        weed(),
        "server",
        f"-dir={folder / 'kept'}",
        "-ip=127.0.0.1",
        "-s3",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        f"-s3.config={rights}",
        "-volume.max=50",
        "-master.volumeSizeLimitMB=256",
        *(f"-{name}.port={port}" for name, port in ports.items()),
        *(f"-{name}.port.grpc={port}" for name, port in grpc.items()),
    ]
    try:
        with programs.process(command, folder / "log") as child:
            server = RunningS3(ports["s3"], f"127.0.0.1:{ports['master']}.{grpc['master']}")
            _await(server, child, folder / "log")
            server.begin()
            yield server
            child.kill()  # nothing of it is wanted any more, and it takes its time to say goodbye
    finally:
        for port in (*ports.values(), *grpc.values()):
            for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
                left.unlink()


def _await(server: RunningS3, child: subprocess.Popen[bytes], log: Path) -> None:
    """Until it answers: its parts come up one after the other."""
    until = time.monotonic() + BEGINS_SECONDS
    while time.monotonic() < until and child.poll() is None:
        if _answers(server.port):
            return
        time.sleep(0.1)
    raise AssertionError(f"SeaweedFS did not begin:\n{log.read_text(errors='replace')[-4000:]}")


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5):
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return error.code < 500
    except OSError:
        return False
