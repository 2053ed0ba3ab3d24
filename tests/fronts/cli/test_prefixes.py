"""What is said of a name that came to nothing, where a folder or file of that name lies here."""

from __future__ import annotations

from pathlib import Path

import pytest

from lading.errors import AccessDenied, Cancelled, LadingError, NetworkFailed, NotFound, Refused
from lading.fronts.cli.prefixes import mentioning_prefix, with_prefix
from lading.oci.reference import ReferenceInvalid
from tests.fakes.application import Call, MemoryApplication


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with a layout, an archive, and a folder that is neither."""
    for name in ("layout", "team/layout", "Layout"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (tmp_path / "nginx").mkdir()
    (tmp_path / "web.tar").write_bytes(b"")
    return tmp_path


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("layout", "oci:layout"),
        ("layout:v1", "oci:layout:v1"),
        ("Layout", "oci:Layout"),
        ("./layout", "oci:./layout"),
        ("web.tar", "archive:web.tar"),
        ("./web.tar", "archive:./web.tar"),
        ("nginx", None),
        ("absent", None),
        ("team/layout", None),
        ("oci:layout", None),
        ("archive:web.tar", None),
        ("-", None),
    ],
)
def test_a_prefix_is_mentioned_where_it_may_have_been_forgotten(here: Path, word: str, meant: str | None) -> None:
    error = NotFound("gone")

    told = with_prefix(error, [word], here)

    assert (error.hint, told is error) == (None, meant is None)
    if meant is not None:
        assert (told.command or "").startswith(f"{meant}, if the ")


@pytest.mark.parametrize(
    ("error", "mentioned"),
    [
        (NotFound(), True),
        (AccessDenied(), True),
        (NetworkFailed(), True),
        (ReferenceInvalid("Layout", "its path", "is no path"), True),
        (Refused(), False),
        (Cancelled(), False),
    ],
)
def test_it_is_mentioned_only_where_a_name_led_nowhere(here: Path, error: LadingError, mentioned: bool) -> None:
    with pytest.raises(type(error)) as raised, mentioning_prefix(["registry.test/x", "layout"], here):
        raise error

    assert ("oci:layout" in (raised.value.hint or "")) is mentioned


@pytest.mark.parametrize(
    "arguments",
    [
        ["copy", "{}", "registry.test/x:1"],
        ["copy", "{}", "registry.test/x:1", "--keep-going"],
        ["push", "{}", "registry.test/x:1"],
        ["inspect", "{}"],
        ["history", "{}"],
        ["diff", "{}", "{}"],
        ["digest", "{}"],
    ],
)
def test_every_command_that_takes_places_mentions_it(here: Path, arguments: list[str]) -> None:
    archive = str(here / "web.tar")

    call = Call(MemoryApplication(), [argument.format(archive) for argument in arguments])

    assert call.code in {2, 5}
    assert f"try:   archive:{archive}, if the archive here is meant" in call.err
