"""What shells are offered, asked as their scripts ask; the shells themselves are asked in tests/peers."""

from __future__ import annotations

import io

import click
import pytest
from click.shell_completion import CompletionItem, ShellComplete

from lading.fronts.cli.completing import names
from lading.fronts.cli.console import Streams
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.program import PROGRAM
from tests.fakes.application import MemoryApplication
from tests.fakes.images import put_image


class Untouched(io.BytesIO):
    """A terminal at which a person types a command, which nobody else may read."""

    touched = False

    def readline(self, _size: int | None = -1, /) -> bytes:
        self.touched = True
        return b"typed\n"


def offered(*words: str) -> list[CompletionItem[str]]:
    """For the last of these words."""
    application = MemoryApplication()
    put_image(application.places.own, tag="docker.io/library/web:1")
    stdin, out, err = Untouched(), io.StringIO(), io.StringIO()
    streams = Streams(stdin, out, err)
    invocation = Invocation(application.start, streams, {})
    shell = ShellComplete(PROGRAM, {"obj": invocation}, "lading", "_LADING_COMPLETE")
    found = shell.get_completions(list(words[:-1]), words[-1])
    assert (stdin.touched, out.getvalue(), err.getvalue()) == (False, "", "")
    return found


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (["pu"], ["pull", "push"]),
        (["tag", "we"], ["web:1"]),
        (["--data", "/srv", "tag", "docker.io/"], ["docker.io/library/web:1"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["login", "--password-stdin", "--use"], ["--username"]),
        (["login", "-p", "x", "--use"], ["--username"]),
    ],
)
def test_commands_names_and_flags_are_offered(words: list[str], values: list[str]) -> None:
    assert [item.value for item in offered(*words)] == values


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["load", ""], "file"),
        (["load", "-i", ""], "file"),
        (["import", ""], "file"),
        (["save", "-o", ""], "file"),
        (["push", "--digest-file", ""], "file"),
        (["ls", "--tls-ca", ""], "file"),
        (["--config", ""], "file"),
        (["images", "--data", ""], "dir"),
    ],
)
def test_where_files_and_folders_belong_the_shell_lists_its_own(words: list[str], kind: str) -> None:
    assert [item.type for item in offered(*words)] == [kind]


@pytest.mark.parametrize(
    "name",
    ["$(touch x)", "`x`", "a b", "a;b", "a\nb", "\x1b[2J", "~x", "*", "-rf", "--yes", "a'b", 'a"b', "a|b", "\u202eb"],
)
def test_names_that_a_shell_would_read_as_more_are_not_offered(name: str) -> None:
    application = MemoryApplication()
    streams = Streams(io.BytesIO(), io.StringIO(), io.StringIO())
    context = click.Context(click.Command("x"), obj=Invocation(application.start, streams, {}))

    assert names(context, "registry", "", lambda: [name, "größe/a-b_c.d:1@e"]) == ["größe/a-b_c.d:1@e"]
