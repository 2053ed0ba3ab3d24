"""Advisories brought over HTTP: dumps, changes since, and what breaks on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from lading.backends.advisories.delta import CHANGES_LIMIT, changed_since
from lading.backends.advisories.download import DownloadLater, Downloads
from lading.backends.advisories.failures import DownloadRefused, DownloadTooLong, SourceUnknown, SourceUnreadable
from lading.backends.advisories.keeping import AdvisoryFolder
from lading.backends.advisories.lookup import KeptAdvisories
from lading.backends.advisories.updating import WHOLE_SECONDS
from lading.engine.cancel import Cancellation
from lading.errors import NetworkFailed, NoRoom
from lading.services.scans.advisories import Origin, Schedule, Updated
from lading.wire.download import EncodingRefused
from tests.fakes.advisory_files import NOW, Bucket, advisory, loopback, plenty, zip_of
from tests.fakes.records import Clock
from tests.fakes.scripted_server import Answer, Asked, Ending, Reply, ScriptedServer

MINUTE = 60.0
EARLIER, LATER, LATEST = "2026-09-01T00:00:00Z", "2026-09-02T00:00:00Z", "2026-09-03T00:00:00.25Z"


class World:
    """A data folder, and a bucket it is kept up to date from."""

    def __init__(self, data: Path, server: ScriptedServer, answer: Answer, opened: Callable[[], object]) -> None:
        self.data, self.server, self.answer = data, server, answer
        self.now = NOW
        self.told: list[str] = []
        self.looks = 0
        self.last_look: int | None = None
        schedule = Schedule(server.url(""), None, ("PyPI", "npm"))
        self.folder = AdvisoryFolder(data, opened, schedule, lambda: self.now, self.look)  # type: ignore[arg-type]  # a transport
        data.mkdir(exist_ok=True)

    def look(self) -> None:
        """There is room until it was looked for so often."""
        self.looks += 1
        if self.looks == self.last_look:
            raise NoRoom

    def update(self, *ecosystems: str) -> Updated:
        return self.folder.update(ecosystems, self.told.append, Cancellation(pause=lambda _event, _seconds: None))

    def ids(self, name: str = "demo") -> list[str]:
        with KeptAdvisories.opened(self.data / "advisories.db") as kept:
            return [each.id for each in kept.of_package("PyPI", name)]


@contextmanager
def world(data: Path, answer: Answer) -> Iterator[World]:
    with ScriptedServer(answer) as server, closing(loopback()) as transport:
        yield World(data, server, answer, lambda: transport)


@pytest.fixture
def bucket() -> Bucket:
    bucket = Bucket(NOW - MINUTE)
    bucket.records["PyPI"] = [advisory("PYSEC-1", modified=EARLIER), advisory("PYSEC-2", modified=LATER)]
    return bucket


def test_the_first_time_all_of_an_ecosystem_comes(bucket: Bucket, tmp_path: Path) -> None:
    with world(tmp_path / "data", bucket) as kept:
        (done,) = kept.update("PyPI").imported

        assert (done.source, done.records, done.built) == ("osv:PyPI", 2, NOW - MINUTE)
        assert kept.ids() == ["PYSEC-1", "PYSEC-2"]
        assert bucket.asked == ["/PyPI/all.zip"]
        (feed,) = kept.folder.feeds()
        assert (feed.location, feed.built) == (kept.server.url("/PyPI/"), NOW - MINUTE)


def test_then_only_what_has_changed_comes(bucket: Bucket, tmp_path: Path) -> None:
    with world(tmp_path / "data", bucket) as kept:
        kept.update("PyPI")
        bucket.records["PyPI"] += [advisory("PYSEC-3", modified=LATEST)]
        bucket.records["PyPI"][0] = advisory("PYSEC-1", "other", modified=LATEST)
        bucket.asked.clear()
        bucket.modified = NOW
        (done,) = kept.update("PyPI").imported

        assert (done.records, done.new, done.changed, done.gone, done.built) == (3, 1, 1, 0, NOW)
        assert (kept.ids(), kept.ids("other")) == (["PYSEC-2", "PYSEC-3"], ["PYSEC-1"])
        assert bucket.asked[0] == "/PyPI/modified_id.csv"
        assert set(bucket.asked[1:]) == {"/PyPI/PYSEC-1.json", "/PyPI/PYSEC-2.json", "/PyPI/PYSEC-3.json"}

        bucket.asked.clear()
        (done,) = kept.update("PyPI").imported
        assert (done.new, done.changed, done.gone) == (0, 0, 0)
        assert set(bucket.asked[1:]) == {"/PyPI/PYSEC-1.json", "/PyPI/PYSEC-3.json"}


def test_after_a_week_all_comes_again_so_that_what_went_goes(bucket: Bucket, tmp_path: Path) -> None:
    with world(tmp_path / "data", bucket) as kept:
        kept.update("PyPI")
        del bucket.records["PyPI"][0]
        kept.now += MINUTE
        assert kept.update("PyPI").imported[0].gone == 0
        kept.now += WHOLE_SECONDS
        assert kept.update("PyPI").imported[0].gone == 1
        assert kept.ids() == ["PYSEC-2"]


def test_where_much_has_changed_all_of_it_comes_at_once(bucket: Bucket, tmp_path: Path) -> None:
    with world(tmp_path / "data", bucket) as kept:
        kept.update("PyPI")
        more = [advisory(f"PYSEC-2026-{number}", modified=LATEST) for number in range(CHANGES_LIMIT + 1)]
        bucket.records["PyPI"] += more
        bucket.asked.clear()
        assert kept.update("PyPI").imported[0].new == CHANGES_LIMIT + 1
        assert bucket.asked == ["/PyPI/modified_id.csv", "/PyPI/all.zip"]


def test_a_mirror_that_stands_still_is_as_old_as_it_says(bucket: Bucket, tmp_path: Path) -> None:
    bucket.modified = NOW - 30 * 24 * 3600
    with world(tmp_path / "data", bucket) as kept:
        kept.update("PyPI")
        kept.update("PyPI")
        (feed,) = kept.folder.feeds()
        assert (feed.built, feed.imported) == (bucket.modified, NOW)


def test_an_ecosystem_that_fails_leaves_the_others(bucket: Bucket, tmp_path: Path) -> None:
    with world(tmp_path / "data", bucket) as kept:
        updated = kept.update()

        assert [each.source for each in updated.imported] == ["osv:PyPI"]
        ((name, error),) = updated.failed
        assert (name, type(error)) == ("npm", SourceUnknown)


def test_where_nothing_comes_the_reason_is_told(tmp_path: Path) -> None:
    with world(tmp_path / "data", Bucket(NOW)) as kept, pytest.raises(SourceUnknown, match=r"/PyPI/all\.zip"):
        kept.update()


@pytest.mark.parametrize("name", ["../../etc", "Rocky Linux", "a/b", "x?y#z"])
def test_names_of_ecosystems_stay_below_the_bucket(name: str, tmp_path: Path) -> None:
    asked: list[str] = []

    def answer(request: Asked) -> Reply:
        asked.append(request.target)
        return Reply(404)

    with world(tmp_path / "data", answer) as kept, pytest.raises(SourceUnknown):
        kept.update(name)
    (target,) = asked
    assert target.count("/") == 2
    assert target.endswith("/all.zip")


def test_only_gets_are_sent_and_they_tell_nothing_of_us(bucket: Bucket, tmp_path: Path) -> None:
    with world(tmp_path / "data", bucket) as kept:
        kept.update("PyPI")
        (asked,) = kept.server.asked
        assert (asked.method, asked.length) == ("GET", 0)
        assert set(asked.headers) <= {"host", "user-agent", "accept", "accept-encoding", "connection"}


@pytest.mark.parametrize(
    ("lines", "since", "found"),
    [
        (["2026-01-03T00:00:00Z,A", "2026-01-02T00:00:00Z,B", "2026-01-01T00:00:00Z,C"], 1767312000.0, ["A", "B"]),
        (["2026-01-03T00:00:00.9Z,A", "", "2025-01-01T00:00:00Z,C"], 1767312000.0, ["A"]),
        (["2026-01-01T00:00:00Z,A", "2026-01-03T00:00:00Z,B"], 0.0, None),
        (["2026-01-03T00:00:00Z,../A"], 0.0, None),
        (["2026-01-03T00:00:00Z,a/A"], 0.0, None),
        (["2026-01-03T00:00:00Z"], 0.0, None),
        (["yesterday,A"], 0.0, None),
        (["<html>"], 0.0, None),
        (["2026-01-03T00:00:00Z,A"] * (CHANGES_LIMIT + 1), 0.0, None),
        ([], 0.0, []),
    ],
    ids=range(10),
)
def test_a_list_of_changes_is_read_or_not_trusted(lines: Sequence[str], since: float, found: object) -> None:
    assert changed_since((line.encode() for line in lines), since) == found


# ── one file


CONTENT = bytes(range(256)) * 400


def fetched(answer: Answer, to: Path, limit: int = 10**9) -> tuple[bytes, list[Asked]]:
    with ScriptedServer(answer) as server, closing(loopback()) as transport:
        downloads = Downloads(transport, Cancellation(pause=lambda _event, _seconds: None), lambda _count: None)
        arrived = downloads.fetch(server.url("/all.zip"), to, limit)
        assert arrived.size == to.stat().st_size
        return to.read_bytes(), server.asked


def in_parts(mark: str | None, *, upto: int, ranges: bool = True) -> Answer:
    """Breaks off after `upto` bytes of each answer."""

    def answer(asked: Asked) -> Reply:
        fields = [("ETag", mark)] if mark else []
        wanted = asked.headers.get("range")
        if wanted and ranges:
            assert asked.headers["if-range"] == mark
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            fields.append(("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"))
            rest = CONTENT[start:]
            ending = Ending.KEEP if len(rest) <= upto else Ending.RST
            return Reply(206, fields, rest, upto=min(upto, len(rest)), ending=ending)
        whole = bool(wanted)
        return Reply(200, fields, CONTENT, upto=None if whole else upto, ending=Ending.KEEP if whole else Ending.RST)

    return answer


def test_what_was_cut_off_goes_on_where_it_stopped(tmp_path: Path) -> None:
    content, asked = fetched(in_parts('"one"', upto=40_000), tmp_path / "all.zip")

    assert content == CONTENT
    assert len(asked) == 3
    assert asked[0].headers.get("range") is None
    assert asked[2].headers["range"] != asked[1].headers["range"]


def test_what_has_changed_meanwhile_comes_from_its_beginning(tmp_path: Path) -> None:
    content, asked = fetched(in_parts('"one"', upto=40_000, ranges=False), tmp_path / "all.zip")

    assert (content, len(asked)) == (CONTENT, 2)


def test_what_bears_no_mark_is_not_gone_on_with(tmp_path: Path) -> None:
    with pytest.raises(NetworkFailed):
        fetched(in_parts(None, upto=40_000), tmp_path / "all.zip")
    assert (tmp_path / "all.zip").stat().st_size <= 40_000


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(404), SourceUnknown),
        (Reply(410), SourceUnknown),
        (Reply(403), DownloadRefused),
        (Reply(500), DownloadRefused),
        (Reply(206, (), b"part"), DownloadRefused),
        (Reply(204), DownloadRefused),
        (Reply(429), DownloadLater),
        (Reply(503), DownloadLater),
        (Reply(200, [("Content-Encoding", "gzip")], b"x"), EncodingRefused),
        (Reply(200, (), b"x" * 101), DownloadTooLong),
        (Reply(200, (), b"x" * 101, declared=-1, ending=Ending.FIN), DownloadTooLong),
    ],
    ids=range(11),
)
def test_an_answer_that_is_no_file_is_told(reply: Reply, error: type[Exception], tmp_path: Path) -> None:
    with pytest.raises(error) as raised:
        fetched(lambda _: reply, tmp_path / "all.zip", limit=100)
    assert "127.0.0.1" in str(raised.value)


def test_redirects_are_followed(tmp_path: Path) -> None:
    def answer(asked: Asked) -> Reply:
        return Reply(200, (), CONTENT) if asked.path == "/there" else Reply(302, [("Location", "/there?signed=1")])

    assert fetched(answer, tmp_path / "all.zip")[0] == CONTENT


def test_a_zip_may_be_named_by_its_url_whose_secrets_are_not_kept(bucket: Bucket, tmp_path: Path) -> None:
    def answer(asked: Asked) -> Reply:
        return Reply(200, (), zip_of(*bucket.records["PyPI"])) if asked.query == "key=secret" else Reply(403)

    with world(tmp_path / "data", answer) as kept:
        url = kept.server.url("/dumps/all.zip?key=secret").replace("://", "://ann:pw@")
        done = kept.folder.bring(Origin(url), kept.told.append, Cancellation())

        assert done.source == kept.server.url("/dumps/all.zip")
        assert kept.ids() == ["PYSEC-1", "PYSEC-2"]
        assert "secret" not in str(kept.told) + str(kept.folder.feeds())
        assert b"secret" not in (tmp_path / "data" / "advisories.db").read_bytes()


def test_what_came_and_is_no_zip_is_told_and_gone(tmp_path: Path) -> None:
    with world(tmp_path / "data", lambda _: Reply(200, (), b"<html>")) as kept:
        with pytest.raises(SourceUnreadable, match="no zip"):
            kept.update("PyPI")
        assert [each.name for each in (tmp_path / "data").iterdir()] == ["advisories.lock"]


def test_where_nobody_listens_it_is_told(tmp_path: Path) -> None:
    with ScriptedServer(lambda _: Reply(404)) as server:
        url = server.url("/all.zip")
    with closing(loopback()) as transport:
        folder = AdvisoryFolder(tmp_path, lambda: transport, Schedule(""), Clock(NOW), plenty)
        with pytest.raises(NetworkFailed):
            folder.bring(Origin(url), lambda _: None, Cancellation())


@pytest.mark.parametrize("content", [bytes(12_000_000), zip_of(advisory("PYSEC-3"))], ids=["large", "small"])
def test_what_there_is_no_room_for_is_given_up_and_gone(content: bytes, bucket: Bucket, tmp_path: Path) -> None:
    with world(tmp_path / "data", bucket) as kept:
        kept.update("PyPI")
        kept.looks, kept.last_look = 0, 1
        with ScriptedServer(lambda _: Reply(200, (), content)) as other, pytest.raises(NoRoom):
            kept.folder.bring(Origin(other.url("/all.zip")), kept.told.append, Cancellation())

        assert not (tmp_path / "data" / "advisories.incoming").exists()
        assert kept.ids() == ["PYSEC-1", "PYSEC-2"]
