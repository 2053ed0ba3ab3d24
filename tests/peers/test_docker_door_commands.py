"""The docker command at Lading prints what it prints at dockerd: the same stories told to both, line by line.

Where Lading says something else on purpose, `DIFFERENCES` has what it says and why; docs/how-to/docker-api.md tells
users.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.peers import docker_door, docker_scenarios, programs
from tests.peers.docker_command import DockerCommand, Said, settled
from tests.peers.docker_door import Engines
from tests.peers.docker_scenarios import Scenario

pytestmark = pytest.mark.peer("dockerd", "docker", "docker-registry", "skopeo")


UNORDERED = ("images", "pull all tags")
"""How steps begin whose lines have no order at dockerd: what was made in the same second, tags as a map gives them."""


@dataclass(frozen=True)
class Difference:
    """What Lading prints instead, and why that is better or as good."""

    why: str
    prints: tuple[str, ...]


_UNREACHABLE = "our own words for what the network did; what programs look for in them is there"
_UNNAMED = "an image that lost its last name is called nothing, not by a digest that its repository may not have"
_UNASKED = "the registry's answer, in the words that it has for a wrong login too"
_DENIED = "Error response from daemon: unauthorized: authentication required"
_PUSH_DENIED = (
    "The push refers to repository [REGISTRY/team/fresh]",
    "unauthorized: authentication required",
)
DIFFERENCES = {
    ("pulling", "pull a platform that is not there"): Difference(
        "asked of the registry before anything is answered, so that the status is 404, as at newer engines",
        ("Error response from daemon: no matching manifest for linux/s390x in the manifest list entries",),
    ),
    ("pulling", "pull from nobody"): Difference(
        _UNREACHABLE,
        (
            "Using default tag: latest",
            'Error response from daemon: Get "https://127.0.0.1:1/v2/": dial tcp: cannot connect to 127.0.0.1:1:'
            " connection refused",
        ),
    ),
    ("pushing", "push to nobody"): Difference(
        _UNREACHABLE,
        (
            "The push refers to repository [127.0.0.1:1/a]",
            'Get "https://127.0.0.1:1/v2/": dial tcp: cannot connect to 127.0.0.1:1: connection refused',
        ),
    ),
    ("listing", "images by a filter that is none"): Difference(
        "in small letters, as engines say it since 23.0",
        ("Error response from daemon: invalid filter 'colour'",),
    ),
    ("looking", "inspect what is not there"): Difference(
        "said once, as by engines since 23.0",
        ("[]", "Error response from daemon: No such image: nothing:latest"),
    ),
    ("naming", "remove by id with force"): Difference(
        "every name has its digest, as in the containerd store, where an image's id is its digest too",
        (
            "Untagged: REGISTRY/team/app:1",
            "Untagged: REGISTRY/team/app@sha256:DIGEST",
            "Untagged: plain:latest",
            "Untagged: plain@sha256:DIGEST",
            *["Deleted: sha256:DIGEST"] * 3,
        ),
    ),
    ("logging_in", "push without a login"): Difference(_UNASKED, _PUSH_DENIED),
    ("logging_in", "push with a wrong password"): Difference(
        "nothing is prepared before the registry was asked", _PUSH_DENIED
    ),
    ("logging_in", "log in wrongly"): Difference(
        "what the registry says, where it says something",
        ('Error response from daemon: Get "https://REGISTRY/v2/": unauthorized: authentication required',),
    ),
    ("logging_in", "pull without a login"): Difference(_UNASKED, (_DENIED,)),
    ("logging_in", "pull after all"): Difference(_UNASKED, (_DENIED,)),
    ("keeping", "load what is no archive"): Difference(
        "says where the archive breaks off",
        (
            "Error processing tar file: the tar is not valid at byte 0: it ends without its end mark; part of it is"
            " missing",
        ),
    ),
    ("moving_a_name", "images"): Difference(_UNNAMED, ("<none>|<none>", "REGISTRY/team/app|1", "REGISTRY/team/app|2")),
    ("moving_a_name", "images at the end"): Difference(
        "with a name again it is listed once", ("REGISTRY/team/app|1", "REGISTRY/team/app|2", "found|1")
    ),
}


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory, docker_engine: programs.RunningDocker) -> Iterator[Engines]:
    with docker_door.engines(tmp_path_factory.mktemp("door"), docker_engine) as both:
        yield both


@pytest.mark.parametrize("program", docker_door.commands())
@pytest.mark.parametrize("scenario", docker_scenarios.SCENARIOS, ids=lambda each: each.__name__)
def test_the_docker_command_prints_at_lading_what_it_prints_at_dockerd(
    scenario: Scenario, program: str, engines: Engines, tmp_path: Path
) -> None:
    at_dockerd = _played(scenario, program, engines.dockerd, engines, tmp_path / "dockerd")
    at_lading = _played(scenario, program, engines.lading, engines, tmp_path / "lading")
    wrong = [
        step
        for step, expected in at_dockerd.items()
        if not _alike(scenario.__name__, step, expected, at_lading.get(step))
    ]
    assert not wrong, "\n\n".join(_shown(step, at_dockerd[step], at_lading.get(step)) for step in wrong)


@pytest.mark.parametrize("program", docker_door.commands())
def test_docker_search_finds_what_the_named_registry_lists(program: str, engines: Engines, tmp_path: Path) -> None:
    """There dockerd asks for what no registry has had since Docker's first protocol."""
    docker = DockerCommand(program, engines.lading, tmp_path / "home")

    found = docker("search", "--format", "{{.Name}} {{.StarCount}}", engines.images.name("app"))

    assert found == Said(0, f"{engines.images.name('app')} 0\n")
    assert docker("search", engines.images.name("nothing")).out.splitlines()[1:] == []


@pytest.mark.parametrize("program", docker_door.commands())
def test_docker_build_is_told_that_nothing_is_built_here(program: str, engines: Engines, tmp_path: Path) -> None:
    """In our words, not in those of a protocol that was refused; also where the context is still on its way."""
    docker = DockerCommand(program, engines.lading, tmp_path / "home")
    context = tmp_path / "context"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM scratch\nCOPY large /\n")
    (context / "large").write_bytes(bytes(32 * 1024 * 1024))

    said = docker("build", str(context))

    assert said.status == 1
    assert "Error response from daemon: Lading cannot build images: it keeps and moves images" in said.err


@pytest.mark.parametrize(("source", "target"), [("dockerd", "lading"), ("lading", "dockerd")])
def test_what_one_engine_saves_the_other_loads(source: str, target: str, engines: Engines, tmp_path: Path) -> None:
    one, other = (
        DockerCommand(docker_door.newest(), getattr(engines, name), tmp_path / name) for name in (source, target)
    )
    names = [engines.images.name(name) for name in ("app:1", "app:2")]
    for docker in (one, other):
        docker_door.emptied(docker)
    for name in names:
        assert one("pull", "-q", name).status == 0
    saved = tmp_path / "saved.tar"

    assert one("save", "-o", str(saved), *names).status == 0
    loaded = other("load", "-i", str(saved))

    assert loaded.status == 0, loaded.all
    assert {line for line in loaded.out.splitlines() if line} == {f"Loaded image: {name}" for name in names}
    layers = ("image", "inspect", "-f", "{{json .RootFS.Layers}} {{json .Config.Env}}", *names)
    assert other(*layers).out == one(*layers).out


def _played(scenario: Scenario, program: str, engine: str, engines: Engines, folder: Path) -> dict[str, Said]:
    folder.mkdir(parents=True)
    docker_door.root_file_system(folder / "root.tar")
    docker = DockerCommand(program, engine, folder / "home")
    docker_door.emptied(docker)
    return dict(scenario(docker, engines.images, folder))


def _alike(scenario: str, step: str, expected: Said, said: Said | None) -> bool:
    if said is None or said.status != expected.status:
        return False
    difference = DIFFERENCES.get((scenario, step))
    ordered = not step.startswith(UNORDERED)
    printed = settled(said.all, ordered=ordered)
    return printed == settled(expected.all, ordered=ordered) or (
        difference is not None and printed == list(difference.prints)
    )


def _shown(step: str, expected: Said, said: Said | None) -> str:
    lines = [f"── {step}: dockerd exits {expected.status}", *settled(expected.all)]
    lines += ["   lading tells nothing"] if said is None else [f"   lading exits {said.status}", *settled(said.all)]
    return "\n".join(lines)
