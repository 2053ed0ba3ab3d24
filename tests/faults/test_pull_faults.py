"""A pull through everything that has been seen to go wrong (push-pull-engines §6.3, Byte and Status): it ends well and
asks only for what is missing, or with one clear error, its side and exit code, and nothing under a final name."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from lading.errors import LadingError, Side
from lading.fronts.cli.failures import exit_code
from tests.fakes.scripted_server import Asked, Ending, Reply, ScriptedServer
from tests.fakes.troubled_registry import Play, Trick, TroubledRegistry, changed, cut, fields, instead
from tests.faults.transfers import LAYER, NAME, TAG, clear, final_files, folder_store, public, stocked, world

ALWAYS = 1000
HALF = len(LAYER) // 2
SIZE = len(LAYER)
TRANSIENT = (408, 429, 499, 500, 502, 503, 504, 522)


def only_layers(trick: Trick) -> Trick:
    """Leave the image's config alone."""
    return lambda asked, play: trick(asked, play) if len(play(asked).body) > 1000 or _ranged(asked) else play(asked)


def _ranged(asked: Asked) -> bool:
    return "range" in asked.headers


def without_range(asked: Asked, play: Play) -> Reply:
    """The whole blob, whatever was asked for."""
    asked.headers = {name: value for name, value in asked.headers.items() if name != "range"}
    return play(asked)


def on_ranges(change: Callable[[Reply], Reply]) -> Trick:
    """Only where a range was asked for."""
    return lambda asked, play: change(play(asked)) if _ranged(asked) else play(asked)


def elsewhere(reply: Reply) -> Reply:
    """A range that begins one byte later than asked."""
    shifted = [(name, re.sub(r"bytes (\d+)", _one_more, value)) for name, value in reply.fields]
    return replace(reply, fields=shifted, body=reply.body[1:])


def _one_more(found: re.Match[str]) -> str:
    return f"bytes {int(found[1]) + 1}"


def shorter(reply: Reply) -> Reply:
    """A range that ends 1,000 bytes before what was asked, and says so."""
    ends = [
        (name, re.sub(r"-(\d+)/", lambda found: f"-{int(found[1]) - 1000}/", value)) for name, value in reply.fields
    ]
    return replace(reply, fields=ends, body=reply.body[:-1000])


BROKEN = cut(HALF, Ending.FIN)

GOES_ON: dict[str, tuple[str, Sequence[Trick], int]] = {
    # door, what happens there, and how many bytes of the layer may be sent twice
    **{
        f"{ending.value} after {at} bytes of a blob": ("blob", [cut(at, ending)], at if ending is Ending.RST else 0)
        for ending in (Ending.FIN, Ending.RST, Ending.STALL)
        for at in (-1, 0, 1, HALF, SIZE - 1)
    },
    "cut again and again": ("blob", [cut(20_000, Ending.FIN)] * 4, 0),
    "a trickle": ("blob", [changed(lambda reply: replace(reply, pieces=1000, pause=0.002))], 0),
    "chunked": ("blob", [changed(lambda reply: replace(reply, chunked=True))], 0),
    "chunked, cut": ("blob", [changed(lambda reply: replace(reply, chunked=True, upto=HALF, ending=Ending.FIN))], 2000),
    "no length, ended by hanging up": (
        "blob",
        [changed(lambda reply: replace(reply, declared=-1, ending=Ending.FIN))],
        0,
    ),
    "no length, cut": (
        "blob",
        [changed(lambda reply: replace(reply, declared=-1, upto=HALF, ending=Ending.FIN))],
        0,
    ),
    "ranges ignored": ("blob", [BROKEN, without_range], HALF),
    "416 to a range": ("blob", [BROKEN, instead(Reply(416))], HALF),
    "206 shorter than asked": ("blob", [BROKEN, on_ranges(shorter)], 0),
    **{f"{code} to a blob": ("blob", [instead(Reply(code))], 0) for code in TRANSIENT},
    **{f"{code} to a range": ("blob", [BROKEN, instead(Reply(code))], 0) for code in TRANSIENT},
    **{f"{code} to the manifest": ("manifest", [instead(Reply(code))], 0) for code in TRANSIENT},
    **{f"{code} to the tag's HEAD": ("find", [instead(Reply(code))], 0) for code in (*TRANSIENT, 403, 405)},
    "reset at the manifest": ("manifest", [cut(-1, Ending.RST)], 0),
    "hung up inside the manifest": ("manifest", [cut(10, Ending.FIN)], 0),
    "reset at the tag's HEAD": ("find", [cut(-1, Ending.RST)], 0),
    "429 with seconds": ("blob", [instead(Reply(429, [("Retry-After", "7")]))], 0),
    "cookies": ("blob", [fields(set_cookie="session=1; Path=/")], 0),
}


@pytest.mark.parametrize(("door", "tricks", "again"), GOES_ON.values(), ids=GOES_ON)
def test_a_pull_goes_on(tmp_path: Path, door: str, tricks: Sequence[Trick], again: int) -> None:
    registry = TroubledRegistry()
    registry.trouble(door, *tricks)
    source, root = stocked(registry)
    with world(registry) as here, folder_store(tmp_path / "content") as store:
        assert here.pull(store).error is None
        assert store.resolve(TAG).digest == root.digest

    assert {path.name for path in final_files(tmp_path / "content")} == {digest.encoded for digest in source.blobs}
    blobs = sum(len(content) for digest, content in source.blobs.items() if digest != root.digest)
    assert registry.served <= blobs + max(again, 0)
    assert all("cookie" not in asked.headers for asked in here.server.asked)


def test_a_blob_goes_on_at_the_byte_where_it_broke(tmp_path: Path) -> None:
    registry = TroubledRegistry()
    registry.trouble("blob", BROKEN)
    stocked(registry)
    with world(registry) as here, folder_store(tmp_path / "content") as store:
        assert here.pull(store).error is None

    assert [asked.headers["range"] for asked in here.server.asked if _ranged(asked)] == [f"bytes={HALF}-{SIZE - 1}"]


ENDS: dict[str, tuple[str, Trick, Side, int]] = {
    "reset before every byte": ("blob", cut(0, Ending.RST), Side.SOURCE, 7),
    "hung up after every byte": ("blob", cut(1, Ending.FIN), Side.SOURCE, 7),
    "silence, always": ("blob", cut(-1, Ending.STALL), Side.SOURCE, 7),
    "silence in the tag's HEAD": ("find", cut(-1, Ending.STALL), Side.SOURCE, 7),
    "other bytes": ("blob", changed(lambda reply: replace(reply, body=bytes(len(reply.body)))), Side.SOURCE, 1),
    "fewer bytes, as announced": ("blob", changed(lambda reply: replace(reply, body=reply.body[:-7])), Side.SOURCE, 1),
    "more bytes": ("blob", changed(lambda reply: replace(reply, body=reply.body + b"more")), Side.SOURCE, 1),
    "compressed by a proxy": (
        "blob",
        changed(
            lambda reply: replace(
                reply, fields=[*reply.fields, ("Content-Encoding", "gzip")], body=gzip.compress(reply.body)
            )
        ),
        Side.SOURCE,
        1,
    ),
    "a manifest compressed by a proxy": ("manifest", fields(content_encoding="gzip"), Side.SOURCE, 1),
    "another manifest": ("manifest", changed(lambda reply: replace(reply, body=b"{}")), Side.SOURCE, 1),
    "a manifest that is too long": (
        "manifest",
        changed(lambda reply: replace(reply, body=bytes(5_000_000))),
        Side.SOURCE,
        1,
    ),
    "something that is not HTTP": ("blob", instead(Reply(raw=b"SSH-2.0-OpenSSH_9\r\n\r\n")), Side.SOURCE, 1),
    "401 to the tag": ("find", instead(Reply(401)), Side.CALLER, 4),
    "401 to a blob": ("blob", instead(Reply(401)), Side.SOURCE, 4),
    "403 to a blob": ("blob", instead(Reply(403)), Side.SOURCE, 4),
    "404 to a blob": ("blob", instead(Reply(404)), Side.SOURCE, 5),
    "404 to the tag": ("find", instead(Reply(404)), Side.CALLER, 5),
    "404 to the manifest": ("manifest", instead(Reply(404)), Side.SOURCE, 5),
    "429 for ever": ("blob", instead(Reply(429)), Side.SOURCE, 8),
    **{f"{code} to a blob, always": ("blob", instead(Reply(code)), Side.SOURCE, 1) for code in (500, 502, 503, 522)},
    **{f"{code} to the manifest, always": ("manifest", instead(Reply(code)), Side.SOURCE, 1) for code in (500, 503)},
    **{f"{code} to the tag, always": ("find", instead(Reply(code)), Side.SOURCE, 1) for code in (500, 503)},
    "a redirect to itself": (
        "blob",
        lambda asked, play: Reply(307, [("Location", asked.target)]),
        Side.SOURCE,
        1,
    ),
    "a redirect to nowhere": ("blob", instead(Reply(307)), Side.SOURCE, 1),
    "a redirect to no URL": ("blob", instead(Reply(307, [("Location", "ftp://elsewhere/x")])), Side.SOURCE, 1),
    "a redirect to a broken URL": ("blob", instead(Reply(307, [("Location", "http://[::1/x")])), Side.SOURCE, 1),
}


@pytest.mark.parametrize(("door", "trick", "side", "code"), ENDS.values(), ids=ENDS)
def test_a_pull_ends_with_one_clear_error(tmp_path: Path, door: str, trick: Trick, side: Side, code: int) -> None:
    registry = TroubledRegistry()
    registry.trouble(door, trick, times=ALWAYS)
    _, root = stocked(registry)
    error = _pulled(registry, tmp_path)

    assert clear(error)
    assert (error.side, exit_code(error)) == (side, code), str(error)
    assert root.digest.encoded not in {path.name for path in final_files(tmp_path / "content")}


def _pulled(registry: TroubledRegistry, folder: Path) -> LadingError:
    """What ended it; no name points anywhere."""
    with world(registry) as here, folder_store(folder / "content") as store:
        try:
            error = here.pull(store).error
        except LadingError as raised:
            error = raised
        assert list(store.tags()) == []
    assert error is not None
    return error


def test_a_wrong_range_is_refused_before_a_byte_is_taken(tmp_path: Path) -> None:
    registry = TroubledRegistry()
    registry.trouble("blob", BROKEN)
    registry.trouble("blob", on_ranges(elsewhere), times=ALWAYS)
    stocked(registry)
    error = _pulled(registry, tmp_path)

    assert (error.side, exit_code(error)) == (Side.SOURCE, 1), str(error)
    assert f"bytes {HALF}-{SIZE - 1}" in str(error)


# ── redirects


def _sent_to(url: Callable[[Asked], str]) -> Trick:
    return lambda asked, play: Reply(307, [("Location", url(asked))])


def test_a_redirect_to_another_host_carries_no_login(tmp_path: Path) -> None:
    registry = TroubledRegistry()
    stocked(registry)
    with ScriptedServer(lambda asked: Reply(body=_blob(registry, asked))) as store_house:
        registry.trouble("blob", _sent_to(lambda asked: store_house.url(asked.target + "?signed=1")), times=ALWAYS)
        with world(registry, token="only for the registry") as here, folder_store(tmp_path / "content") as store:
            assert here.pull(store).error is None

    assert all("authorization" not in asked.headers for asked in store_house.asked)
    assert all(asked.headers["authorization"] == "Bearer only for the registry" for asked in here.server.asked)


def _blob(registry: TroubledRegistry, asked: Asked) -> bytes:
    name = asked.path.rpartition("/")[2]
    return next(content for digest, content in registry.blobs(NAME).items() if str(digest) == name.replace("%3A", ":"))


def test_a_redirect_may_hold_blanks(tmp_path: Path) -> None:
    registry = TroubledRegistry()
    stocked(registry)

    def sent_on(asked: Asked, play: Play) -> Reply:
        return play(asked) if asked.query else Reply(307, [("Location", f"{asked.path}?a= b")])

    registry.trouble("blob", sent_on, times=ALWAYS)
    with world(registry) as here, folder_store(tmp_path / "content") as store:
        assert here.pull(store).error is None


def test_an_expired_signature_is_signed_anew(tmp_path: Path) -> None:
    registry = TroubledRegistry()
    stocked(registry)

    def answer(asked: Asked) -> Reply:
        return Reply(403, body=b"expired") if asked.query == "signed=1" else Reply(body=_blob(registry, asked))

    with ScriptedServer(answer) as store_house:
        signatures = iter(range(1, 100))
        registry.trouble(
            "blob", _sent_to(lambda asked: store_house.url(f"{asked.target}?signed={next(signatures)}")), times=ALWAYS
        )
        with world(registry) as here, folder_store(tmp_path / "content") as store:
            assert here.pull(store).error is None


def test_a_resume_asks_the_registry_again_and_not_the_signed_place(tmp_path: Path) -> None:
    registry = TroubledRegistry()
    stocked(registry)
    served: list[str] = []

    def answer(asked: Asked) -> Reply:
        served.append(asked.query)
        whole = _blob(registry, asked)
        if not _ranged(asked):
            return Reply(body=whole, upto=len(whole) // 2, ending=Ending.FIN)
        start = int(asked.headers["range"].removeprefix("bytes=").partition("-")[0])
        return Reply(206, [("Content-Range", f"bytes {start}-{len(whole) - 1}/{len(whole)}")], whole[start:])

    with ScriptedServer(answer) as store_house:
        signatures = iter(range(1, 100))
        registry.trouble(
            "blob", _sent_to(lambda asked: store_house.url(f"{asked.target}?signed={next(signatures)}")), times=ALWAYS
        )
        with world(registry) as here, folder_store(tmp_path / "content") as store:
            assert here.pull(store).error is None

    assert len(served) == len(set(served)) == 4  # config and layer, each broken once


def test_a_public_registry_cannot_send_us_to_this_machine(tmp_path: Path) -> None:
    registry = TroubledRegistry()
    _, root = stocked(registry)
    with ScriptedServer(lambda asked: Reply(body=b"secret")) as inside:
        registry.trouble("blob", _sent_to(lambda asked: inside.url("/latest/meta-data")), times=ALWAYS)
        with (
            world(registry, look_up=lambda port: public("registry.example", port)) as here,
            folder_store(tmp_path / "content") as store,
        ):
            source = here.client.repository(here.elsewhere("registry.example"))
            with pytest.raises(LadingError) as caught:
                here.copied(source, root, store)

    assert "sent us to 127.0.0.1" in str(caught.value)
    assert exit_code(caught.value) in {6, 7}
    assert inside.asked == []
