"""The registry as it is served: a real socket, a real folder, a real database."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lading.backends.content_store.folder import ContentFolder
from lading.backends.database.repositories import open_records
from lading.fronts.http.byte_server import ByteServer
from lading.fronts.registry_api.serving import OpenToOthers, open_registry, registry_application
from tests.fakes.raw_client import RawClient, Reply
from tests.fakes.records import MemoryLeases
from tests.fakes.repository_records import MemoryRecords
from tests.fronts.registry_api.asking import digest_of, manifest

CONTENT = bytes(range(256)) * 4096
DIGEST = digest_of(CONTENT)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ByteServer]:
    content = ContentFolder(tmp_path / "content", MemoryLeases())
    with (
        closing(content),
        closing(open_records(tmp_path / "lading.db")) as records,
        open_registry(records, content) as running,
    ):
        yield running


def ask(server: ByteServer, method: str, target: str, body: bytes = b"", *fields: str) -> Reply:
    """One request on a connection of its own."""
    with RawClient(server.addresses[0]) as client:
        client.send(head(method, target, f"Content-Length: {len(body)}", *fields), body)
        return client.reply(method)


def head(method: str, target: str, *fields: str) -> str:
    return "\n".join([f"{method} {target} HTTP/1.1", "Host: localhost", *fields, "", ""])


def begin(server: ByteServer) -> str:
    return ask(server, "POST", "/v2/r/blobs/uploads/").headers["location"]


@pytest.mark.parametrize("end", ["close", "reset", "half_close"])
@pytest.mark.parametrize("framing", [f"Content-Length: {len(CONTENT)}", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_a_client_that_was_cut_off_goes_on_inside_the_blob(
    server: ByteServer, method: str, framing: str, end: str
) -> None:
    session = begin(server)
    sent = CONTENT[:300_000]
    with RawClient(server.addresses[0]) as client:
        client.send(head(method, f"{session}?digest={DIGEST}", framing))
        client.send(b"80000\r\n" + sent if "chunked" in framing else sent)
        wait_for_offset(server, session, len(sent))
        getattr(client, end)()

    reply = ask(server, "PUT", f"{session}?digest={DIGEST}", CONTENT[len(sent) :])

    assert reply.status == 201
    assert ask(server, "GET", f"/v2/r/blobs/{DIGEST}").body == CONTENT


def wait_for_offset(server: ByteServer, session: str, offset: int) -> None:
    """Ask for the status, as a client does, until so much is kept."""
    for _ in range(10_000):
        if ask(server, "GET", session).headers["range"] == f"0-{offset - 1}":
            return
    raise AssertionError(f"the session never had {offset} bytes")


def test_a_session_outlives_its_server(tmp_path: Path) -> None:
    """Another process knows the offset from the file, and hashes again what it did not see pass."""
    session, statuses = "", []
    for start in (0, 400_000, 800_000):
        content = ContentFolder(tmp_path / "content", MemoryLeases())
        with (
            closing(content),
            closing(open_records(tmp_path / "lading.db")) as records,
            open_registry(records, content) as server,
        ):
            session = session or begin(server)
            chunk = CONTENT[start : start + 400_000]
            fields = f"Content-Range: {start}-{start + len(chunk) - 1}"
            assert ask(server, "PATCH", session, chunk, fields).status == 202
            statuses.append(ask(server, "PUT", f"{session}?digest={DIGEST}").status)

    assert statuses == [400, 400, 201]


def test_a_session_whose_file_was_collected_is_forgotten(tmp_path: Path) -> None:
    content, records = ContentFolder(tmp_path, MemoryLeases()), MemoryRecords()
    with closing(content), open_registry(records, content) as server:
        kept, gone = begin(server), begin(server)
    content.uploads.cancel(gone.rpartition("/")[2])

    registry_application(records, content)

    assert [session.id for session in records.uploads()] == [kept.rpartition("/")[2]]


def test_a_session_that_another_process_is_beginning_is_not(tmp_path: Path) -> None:
    """Its row is there before its file."""
    content, records = ContentFolder(tmp_path, MemoryLeases()), MemoryRecords()
    with closing(content), open_registry(records, content) as server:
        beginning = begin(server)
    content.uploads.cancel(beginning.rpartition("/")[2])

    registry_application(records, content, alone=False)

    assert [session.id for session in records.uploads()] == [beginning.rpartition("/")[2]]


def test_a_session_has_one_writer(server: ByteServer) -> None:
    session = begin(server)
    with RawClient(server.addresses[0]) as client:
        client.send(head("PATCH", session, "Content-Length: 10"), b"01234")
        wait_for_offset(server, session, 5)
        replies: list[Reply] = []
        second = threading.Thread(target=lambda: replies.append(ask(server, "PATCH", session, b"56789")))
        second.start()

        client.send(b"xyz..")
        assert client.reply().headers["range"] == "0-9"
        second.join()

    assert replies[0].headers["range"] == "0-14"


def test_a_session_that_is_cancelled_under_its_writer_is_gone(server: ByteServer) -> None:
    session = begin(server)
    with RawClient(server.addresses[0]) as client:
        client.send(head("PUT", f"{session}?digest={digest_of(b'0123456789')}", "Content-Length: 10"), b"01234")
        wait_for_offset(server, session, 5)
        assert ask(server, "DELETE", session).status == 204
        reply = client.send(b"56789").reply()

    assert (reply.status, b"BLOB_UPLOAD_UNKNOWN" in reply.body) == (404, True)
    assert ask(server, "HEAD", f"/v2/r/blobs/{digest_of(b'0123456789')}").status == 404


def test_clients_that_push_the_same_at_once_all_succeed(server: ByteServer) -> None:
    together = threading.Barrier(8)
    statuses: list[int] = []

    def push() -> None:
        together.wait()
        for content in (b"{}", b"layer"):
            target = f"/v2/r/blobs/uploads/?digest={digest_of(content)}"
            statuses.append(ask(server, "POST", target, content).status)
        statuses.append(ask(server, "PUT", "/v2/r/manifests/v1", manifest()).status)

    threads = [threading.Thread(target=push) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [201] * 24
    assert ask(server, "GET", "/v2/r/manifests/v1").body == manifest()


def test_what_is_refused_is_refused_before_the_body(server: ByteServer) -> None:
    with RawClient(server.addresses[0]) as client:
        client.send(
            head("PUT", "/v2/r/blobs/uploads/none?digest=" + DIGEST, "Content-Length: 9", "Expect: 100-continue")
        )

        assert client.reply().status == 404


def test_several_ranges_of_a_blob_come_over_one_connection(server: ByteServer) -> None:
    ask(server, "POST", f"/v2/r/blobs/uploads/?digest={DIGEST}", CONTENT)
    with RawClient(server.addresses[0]) as client:
        for start, length in ((0, 10), (500_000, 200_000), (1_048_570, 6)):
            client.send(head("GET", f"/v2/r/blobs/{DIGEST}", f"Range: bytes={start}-{start + length - 1}"))
            assert client.reply().body == CONTENT[start : start + length]
        client.send(head("GET", f"/v2/r/blobs/{DIGEST}", "Range: bytes=1048576-"))
        assert client.reply().status == 416
        client.send(head("HEAD", f"/v2/r/blobs/{DIGEST}"))
        assert client.reply("HEAD").headers["content-length"] == "1048576"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.com"])
def test_an_open_registry_listens_on_loopback_only(tmp_path: Path, host: str) -> None:
    with pytest.raises(OpenToOthers, match=host):
        open_registry(MemoryRecords(), ContentFolder(tmp_path, MemoryLeases()), host)
