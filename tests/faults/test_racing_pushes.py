"""Clients that push the same thing at the same moment, at two processes over one folder: all of them succeed; of those
who end one session one does, and the others are told so in the specification's words."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.faults.kept_registry import assert_kept
from tests.faults.registry_pushes import CONFIG, REPOSITORY, Client, Memory
from tests.faults.traced_registry import registry
from tests.fronts.registry_api.asking import digest_of, manifest

CLIENTS = 8
ROUNDS = 3
LAYER = bytes(range(256)) * 400
DIGEST = digest_of(LAYER)
UPLOADS = "/blobs/uploads/"


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[Sequence[int]]:
    """Two processes."""
    with ExitStack() as stack:
        yield [stack.enter_context(registry(tmp_path))[1] for _ in range(2)]


def at_once(ports: Sequence[int], race: Callable[[Client, int], int]) -> list[int]:
    """What each client was answered, of those who all began together."""
    start = threading.Barrier(CLIENTS)
    answers: list[int] = []

    def run(number: int) -> None:
        with closing(Client(ports[number % len(ports)])) as client:
            start.wait()
            answers.append(race(client, number))

    threads = [threading.Thread(target=run, args=[number]) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == CLIENTS, "a client failed: see its error above"
    return sorted(answers)


def single(client: Client, repository: str) -> int:
    return client.ask("POST", f"/v2/{repository}{UPLOADS}?digest={DIGEST}", LAYER).status


def in_a_session(client: Client, repository: str) -> int:
    place = begun(client, repository)
    return client.ask("PUT", f"{place}?digest={DIGEST}", LAYER).status


def begun(client: Client, repository: str) -> str:
    told = client.ask("POST", f"/v2/{repository}{UPLOADS}")
    assert told.status == 202
    return told.headers["location"][told.headers["location"].index("/v2/") :]


def test_all_who_push_one_layer_succeed(tmp_path: Path, ports: Sequence[int]) -> None:
    for attempt in range(ROUNDS):
        repository = f"team/app{attempt}"

        def push(client: Client, number: int, to: str = repository) -> int:
            return single(client, to) if number // 2 % 2 else in_a_session(client, to)

        assert at_once(ports, push) == [201] * CLIENTS
        with closing(Client(ports[0])) as client:
            assert client.ask("GET", f"/v2/{repository}/blobs/{DIGEST}").body == LAYER
    assert_kept(tmp_path, Memory())


def test_all_who_mount_one_layer_succeed(ports: Sequence[int]) -> None:
    with closing(Client(ports[0])) as client:
        assert single(client, "base/app") == 201

    def mount(client: Client, number: int) -> int:
        return client.ask("POST", f"/v2/team/app{number % 3}{UPLOADS}?mount={DIGEST}&from=base/app").status

    assert at_once(ports, mount) == [201] * CLIENTS


def test_one_of_those_who_end_a_session_does(ports: Sequence[int]) -> None:
    for _ in range(ROUNDS):
        with closing(Client(ports[0])) as client:
            place = begun(client, REPOSITORY)
            assert client.ask("PATCH", place, LAYER).status == 202

        def end(client: Client, number: int, place: str = place) -> int:
            told = client.ask("PUT", f"{place}?digest={DIGEST}")
            if told.status == 404:
                assert json.loads(told.body)["errors"][0]["code"] == "BLOB_UPLOAD_UNKNOWN"
            return told.status

        assert at_once(ports, end) == [201, *[404] * (CLIENTS - 1)]


def test_a_session_that_is_ended_and_cancelled_at_once_is_one_of_both(ports: Sequence[int]) -> None:
    for _ in range(ROUNDS):
        with closing(Client(ports[0])) as client:
            place = begun(client, REPOSITORY)
            assert client.ask("PATCH", place, LAYER).status == 202

        def either(client: Client, number: int, place: str = place) -> int:
            if number % 2:
                return client.ask("DELETE", place).status
            return client.ask("PUT", f"{place}?digest={DIGEST}").status

        answers = at_once(ports, either)
        assert set(answers) <= {201, 204, 404}
        assert answers.count(201) + answers.count(204) == 1


def test_a_tag_that_all_move_at_once_is_one_of_theirs(tmp_path: Path, ports: Sequence[int]) -> None:
    """And each manifest is there by its digest."""
    with closing(Client(ports[0])) as client:
        assert single(client, REPOSITORY) == 201
        assert client.ask("POST", f"/v2/{REPOSITORY}{UPLOADS}?digest={digest_of(CONFIG)}", CONFIG).status == 201
    manifests = [manifest(LAYER, annotations={"by": str(number)}) for number in range(CLIENTS)]
    kind = {"content_type": "application/vnd.oci.image.manifest.v1+json"}

    def put(client: Client, number: int) -> int:
        return client.ask("PUT", f"/v2/{REPOSITORY}/manifests/latest", manifests[number], **kind).status

    assert at_once(ports, put) == [201] * CLIENTS
    digests = {digest_of(raw) for raw in manifests}
    assert_kept(tmp_path, Memory({f"{REPOSITORY}:latest": set(digests)}, digests))
