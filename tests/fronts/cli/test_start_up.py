"""What a command loads before it works, when there is nothing to do: mostly what such a command costs.

Bounded by names and numbers of modules, because a time would say more of the machine than of us.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.main.wired import Wired
from lading.oci.platform import Platform
from lading.services.embedded.samples import sample_archive

RUN = """
import json, sys
from lading.__main__ import main
try:
    main()
finally:
    print(json.dumps(sorted(sys.modules)))
"""

NEVER = (
    "_bz2",
    "_lzma",
    "alembic",
    "asyncio",
    "backports",
    "compression",
    "concurrent",
    "cryptography",
    "difflib",
    "httptools",
    "importlib.metadata",
    "isal",
    "lading.backends.content_store.archive",
    "lading.backends.content_store.compression",
    "lading.backends.credentials.helpers",
    "lading.backends.database.migrate",
    "lading.engine.collect",
    "lading.fronts.cli.progress.bars",
    "lading.fronts.http",
    "lading.fronts.registry_api",
    "lading.services.transfers.archives",
    "lading.services.embedded.images",
    "logging",
    "multiprocessing",
    "rich",
    "shutil",
    "sigstore",
    "sqlalchemy",
    "subprocess",
    "tarfile",
    "tempfile",
    "tomllib",
)
"""With everything below them: needed by other commands, or by a transfer that has something to move."""

NEVER_FOR_VERSION = (
    *NEVER,
    "email",
    "http",
    "lading.backends",
    "lading.engine",
    "lading.main.wired",
    "lading.services",
    "lading.settings",
    "socket",
    "sqlite3",
    "ssl",
)

TRANSFER_MODULES = 170
VERSION_MODULES = 24
"""The most of our own modules, packages counted: 161 to 165 and 23 were loaded when this was written."""


class Laptop:
    """The program as a process of its own each time, with a home that is empty."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.environment = {"HOME": str(folder / "home"), "PATH": "/usr/bin:/bin"}

    def loaded(self, *arguments: str) -> set[str]:
        """The modules that a call that goes well has loaded by its end."""
        command = [sys.executable, "-c", RUN, *arguments, "--data", str(self._folder / "data")]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    return Laptop(tmp_path)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[str]:
    """A registry of ours on loopback, in this process."""
    flags = {"data": str(tmp_path / "served"), "registry-port": 0}
    application = Wired.start({}, flags)
    try:
        with application.open_registry() as registry:
            yield registry.address
    finally:
        application.close()


def test_a_copy_that_finds_all_there_loads_no_more_than_it_asks_with(laptop: Laptop, host: str, tmp_path: Path) -> None:
    (tmp_path / "hello.tar").write_bytes(sample_archive("demo/hello:1", "hello", Platform("linux", "amd64")))
    laptop.loaded("copy", f"archive:{tmp_path}/hello.tar", f"oci:{tmp_path}/D")
    copy = ("copy", f"oci:{tmp_path}/D", f"{host}/demo/hello:1")
    laptop.loaded(*copy)

    assert_few(laptop.loaded(*copy), NEVER, TRANSFER_MODULES)


def test_a_push_that_finds_all_there_loads_no_more_than_it_asks_with(laptop: Laptop, host: str, tmp_path: Path) -> None:
    (tmp_path / "hello.tar").write_bytes(sample_archive("demo/hello:1", "hello", Platform("linux", "amd64")))
    laptop.loaded("load", f"{tmp_path}/hello.tar")
    push = ("push", "demo/hello:1", f"{host}/demo/hello:1")
    laptop.loaded(*push)

    assert_few(laptop.loaded(*push), NEVER, TRANSFER_MODULES)


def test_the_version_is_printed_by_little_more_than_the_command_line(laptop: Laptop) -> None:
    assert_few(laptop.loaded("version"), NEVER_FOR_VERSION, VERSION_MODULES)


def test_an_interrupt_while_it_loads_is_no_traceback() -> None:
    interrupting = """
import sys
class Interrupting:
    def find_spec(self, name, *_):
        if name == "lading.main":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupting())
from lading.__main__ import main
main()
"""
    ended = subprocess.run([sys.executable, "-c", interrupting], capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def assert_few(loaded: set[str], never: tuple[str, ...], limit: int) -> None:
    """None of `never` is among what was loaded, nor anything below it, and of ours at most `limit`."""
    ours = sorted(name for name in loaded if name.partition(".")[0] == "lading")
    assert "lading.fronts.cli.program" in ours
    assert sorted(name for name in loaded if any(name == each or name.startswith(f"{each}.") for each in never)) == []
    assert len(ours) <= limit, ours
