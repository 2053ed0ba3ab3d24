"""Who answers on a port of this machine: for people who wonder what has taken it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lading.backends.http.server_name import server_name
from lading.engine.cancel import Cancellation
from tests.fakes.certificates import Authority
from tests.fakes.scripted_server import Reply, ScriptedServer

NAMED = Reply(401, fields=(("Server", "lading"),))


def _port(server: ScriptedServer) -> int:
    return int(server.authority.rpartition(":")[2])


def test_a_server_says_its_name_in_plain_http(cancel: Cancellation) -> None:
    with ScriptedServer(lambda _asked: NAMED) as server:
        assert server_name(_port(server), cancel, "lading/test") == "lading"


def test_a_server_says_its_name_by_tls_whoever_signed_for_it(cancel: Cancellation, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with ScriptedServer(lambda _asked: NAMED, tls=authority.context(authority.server("elsewhere.test"))) as server:
        assert server_name(_port(server), cancel, "lading/test") == "lading"


@pytest.mark.parametrize("reply", [Reply(200), Reply(raw=b"220 mail.test ESMTP\r\n\r\n")], ids=["unnamed", "no http"])
def test_who_says_none_has_none(cancel: Cancellation, reply: Reply) -> None:
    with ScriptedServer(lambda _asked: reply) as server:
        assert server_name(_port(server), cancel, "lading/test") == ""
