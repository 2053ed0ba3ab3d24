"""What all tests share: real programs are asked for by a mark, and a missing one is never silent."""

from __future__ import annotations

import fcntl
import gc
import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from playwright.sync_api import Playwright, sync_playwright

from lading.__main__ import YOUNG_OBJECTS
from tests.fakes import children
from tests.peers import postgres_server, programs, s3_server

settings.register_profile("lading", deadline=None, max_examples=40)  # no test depends on how fast this machine is
settings.register_profile("proof", deadline=None, max_examples=400)  # pytest --hypothesis-profile=proof
settings.load_profile("lading")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Thousands of tests and all that they import stay to the end: Python looks for cycles in what comes later alone,
    as `lading.__main__` has it."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(YOUNG_OBJECTS)
        gc.enable()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test marked `peer("skopeo")` needs that program: missing, it fails in CI and is listed as not run elsewhere."""
    for mark in item.iter_markers("peer"):
        missing = [program for program in mark.args if not programs.find(program)]
        needs_root = {"dockerd", "debootstrap"} & set(mark.args) and os.geteuid() != 0
        if not missing and not needs_root:
            continue
        what = f"needs {', '.join(missing)}: run `.ci/peers install`" if missing else "needs to be root"
        if os.environ.get("CI"):
            pytest.fail(what, pytrace=False)
        pytest.skip(what)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown() -> None:
    """The programs that a test began end with it, however it went, and before what they talk to."""
    children.end_all()


@pytest.fixture(scope="session")
def debian_tar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real Debian root file system as a tar, made once for all processes of a run; ask for it only in a test marked
    `peer("debootstrap")`."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder = shared / "debian"
    folder.mkdir(exist_ok=True)
    with (shared / "debian.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = folder / "debian.tar"
        return made if made.exists() else programs.debian_root_file_system(folder)


@pytest.fixture(scope="session")
def postgres() -> Iterator[postgres_server.RunningPostgres]:
    """One real PostgreSQL for all tests of a process; ask for it only in a test marked `peer("postgres")`."""
    with postgres_server.postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def s3() -> Iterator[s3_server.RunningS3]:
    """One real S3 server for all tests of a process; ask for it only in a test marked `peer("weed")`."""
    with s3_server.s3_server() as server:
        yield server


@pytest.fixture(scope="session")
def docker_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[programs.RunningDocker]:
    """One real Docker engine for all tests of a process; ask for it only in a test marked `peer("dockerd")`."""
    with programs.docker_engine(tmp_path_factory.mktemp("dockerd")) as docker:
        yield docker


@pytest.fixture(scope="module")
def playing() -> Iterator[Playwright]:
    """What drives browsers; ask for it only in a test marked `peer("chromium")`. There is one at a time, and as long as
    there is one, its loop is this thread's: no test of the module can run another."""
    with sync_playwright() as playing:
        yield playing
