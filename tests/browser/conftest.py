"""A service that was installed from a wheel, real registries, and browsers that look at it.

Every test of this folder is marked `peer("chromium")`. LADING_TESTS_TREE=1 runs the tree as it is in place of a wheel:
quicker while one builds a page, after `npm run build`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright

from tests.browser.installed import installed
from tests.browser.visit import Visit
from tests.peers import chromium, programs
from tests.peers.service_process import BOUND_SECONDS, PASSWORD, Service

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Whoever looks needs a browser, and npm has built what there is to see."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.peer("chromium", "npm"))


def _shared(factory: pytest.TempPathFactory) -> Path:
    """One folder for all processes of a run."""
    own = factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Sequence[str]:
    """What starts Lading."""
    if os.environ.get("LADING_TESTS_TREE"):
        return (sys.executable, "-m", "lading")
    return (str(installed(_shared(tmp_path_factory) / "installed")),)


@pytest.fixture(scope="module")
def service(program: Sequence[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One that runs, with the user `admin`, whose password is PASSWORD; `service.ask(…)` asks as that."""
    made = Service(tmp_path_factory.mktemp("service") / "data", program=program)
    with made.running():
        yield made


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[programs.RunningRegistry]:
    """A real docker-registry; ask for it only in a test marked `peer("docker-registry")`."""
    with programs.docker_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture(scope="module")
def browser(playing: Playwright) -> Iterator[Browser]:
    """Chromium."""
    with chromium.launched(playing) as running:
        yield running


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `Visit.check` puts them; LADING_TESTS_PICTURES names another folder."""
    named = os.environ.get("LADING_TESTS_PICTURES")
    folder = Path(named) if named else _shared(tmp_path_factory) / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


Visiting = Callable[..., Visit]
"""A Visit of the service at a URL; what else is given goes to Playwright's `new_context`."""


@pytest.fixture
def visiting(browser: Browser, pictures: Path) -> Iterator[Visiting]:
    """Makes visits, each with cookies of its own; all are looked at whether they were clean when the test is over."""
    visits: list[Visit] = []

    with ExitStack() as stack:

        def begin(url: str, **context: object) -> Visit:
            made = browser.new_context(**context)  # type: ignore[arg-type]  # what the test gives is Playwright's
            stack.callback(made.close)
            made.set_default_timeout(BOUND_SECONDS / 4 * 1000)
            visit = Visit(made.new_page(), url, pictures)
            visit.begin()
            visits.append(visit)
            return visit

        yield begin
    for each in visits:
        each.clean()


@pytest.fixture
def visit(visiting: Visiting, service: Service) -> Visit:
    """The admin, logged in, at the app."""
    made = visiting(f"http://127.0.0.1:{service.port}")
    made.log_in("admin", PASSWORD)
    return made
