"""What commands do where a server elsewhere does the work: a function for each, with the parameters of the command that
works on this machine, and the same results.

work_of    the one for a call
jobs       jobs, and how one is followed
moving     push, pull and copy; what is on this machine goes to the server's registry first
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

from lading.errors import InputInvalid
from lading.fronts.cli.invocation import Invocation

Work = Callable[..., object]

_WITH_KEYS = frozenset({"sign", "trust"})


class OnlyHere(InputInvalid):
    """A command that works on this machine alone, and a server that was named."""

    hint = "Leave out --server and --context, or unset LADING_SERVER; lading context use default goes back to here."

    def __init__(self, command: str) -> None:
        super().__init__(command)
        self.command_called = command
        if command.partition(" ")[0] in _WITH_KEYS:
            self.why = "private keys stay on this machine, and the registry is asked from here"

    def __str__(self) -> str:
        return f"lading {self.command_called} works on this machine alone, not at a server"


def work_of(invocation: Invocation) -> Work:
    """Raises OnlyHere."""
    module, _, name = (invocation.far or "").partition(":")
    words = invocation.command or ""
    if not module:
        raise OnlyHere(words)
    found = import_module(f"lading.fronts.cli.far.{module}")
    table: Mapping[str, Work] = getattr(found, "COMMANDS", {})
    work: Work | None = getattr(found, name) if name else table.get(words.partition(" ")[2])
    if work is None:
        raise OnlyHere(words)
    return work
