"""Errors are values: told in other words they are another one, of the same kind."""

from __future__ import annotations

from lading.errors import NetworkFailed, Side


class Broken(NetworkFailed):
    """A leaf with data of its own, whose constructor takes more than it passes on."""

    hint = "the class's own"

    def __init__(self, host: str, *, port: int) -> None:
        super().__init__(host)
        self.host, self.port = host, port

    def __str__(self) -> str:
        return f"{self.host}:{self.port} is broken"


def test_an_error_told_otherwise_is_another_of_the_same_kind() -> None:
    error = Broken("a.test", port=1)

    told = error.but(side=Side.SOURCE, hint="another")

    assert (type(told), str(told), told.args, told.port) == (Broken, "a.test:1 is broken", ("a.test",), 1)
    assert (told.side, told.hint, told.why) == (Side.SOURCE, "another", None)
    assert (error.side, error.hint) == (Side.NETWORK, "the class's own")
