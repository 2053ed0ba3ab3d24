"""Servers by name: the file that keeps them, and which one a call speaks to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from lading.main.contexts import (
    ContextExists,
    ContextFile,
    ContextInvalid,
    ContextsUnreadable,
    ContextUnknown,
    chosen_server,
)
from lading.settings import Settings

CORP, LAB, FLAG = "https://lading.corp", "http://lab.example:3000", "https://flag.example"


@pytest.fixture
def contexts(tmp_path: Path) -> ContextFile:
    made = ContextFile(tmp_path / "settings")
    made.create("corp", CORP)
    made.create("lab", LAB)
    return made


@pytest.mark.parametrize(
    ("flags", "said", "current", "server"),
    [
        ({}, {}, None, None),
        ({}, {}, "corp", CORP),
        ({}, {"context": "lab"}, "corp", LAB),
        ({}, {"context": "default"}, "corp", None),
        ({}, {"server": FLAG, "context": "lab"}, "corp", FLAG),
        ({"context": "lab"}, {"server": FLAG, "context": "lab"}, "corp", LAB),
        ({"context": "default"}, {"server": FLAG, "context": "default"}, "corp", None),
        ({"server": FLAG, "context": "lab"}, {"server": FLAG, "context": "lab"}, None, FLAG),
        ({}, {"server": "wss://flag.example"}, None, FLAG),
    ],
)
def test_what_is_nearer_wins(
    contexts: ContextFile, flags: Mapping[str, str], said: Mapping[str, str], current: str | None, server: str | None
) -> None:
    contexts.use(current)

    assert chosen_server(Settings(Path("/data"), **said), flags, contexts) == server  # type: ignore[arg-type]  # texts


def test_a_name_that_nobody_gave_is_told(contexts: ContextFile) -> None:
    with pytest.raises(ContextUnknown):
        chosen_server(Settings(Path("/data"), context="nowhere"), {}, contexts)
    with pytest.raises(ContextUnknown):
        contexts.use("nowhere")
    with pytest.raises(ContextUnknown):
        contexts.remove("nowhere")
    with pytest.raises(ContextExists):
        contexts.create("corp", LAB)


@pytest.mark.parametrize(
    ("name", "server"), [("default", CORP), ("", CORP), ("a b", CORP), ("x", "lading.corp"), ("x", "ftp://a.example")]
)
def test_what_cannot_be_a_context_is_refused(contexts: ContextFile, name: str, server: str) -> None:
    with pytest.raises(ContextInvalid):
        contexts.create(name, server)


def test_a_login_in_an_address_is_not_shown(contexts: ContextFile) -> None:
    with pytest.raises(ContextInvalid) as caught:
        contexts.create("x", "https://ann:secret@lading.corp")

    assert "secret" not in f"{caught.value} {caught.value.why} {caught.value!r}"


def test_a_context_that_goes_is_not_spoken_to_any_more(contexts: ContextFile) -> None:
    contexts.use("corp")
    contexts.remove("corp")

    assert (contexts.current, [each.name for each in contexts.all()]) == (None, ["lab"])


@pytest.mark.parametrize(
    "content",
    ["", "[]", '{"version": 1}', '{"version": 2, "current": null, "contexts": {}}', '{"version": 1, "contexts": []}'],
)
def test_a_file_that_lading_did_not_write_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "contexts.json").write_text(content)

    with pytest.raises(ContextsUnreadable):
        ContextFile(tmp_path).all()


def test_who_has_no_home_folder_has_no_contexts() -> None:
    contexts = ContextFile(None)

    assert (contexts.current, list(contexts.all())) == (None, [])
    with pytest.raises(ContextsUnreadable):
        contexts.create("corp", CORP)
