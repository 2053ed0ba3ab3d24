"""`lading trust signer`, and what all trust commands have in common: words, completion, and who is asked."""

from __future__ import annotations

import os
import pty
import shutil
import sys
from dataclasses import replace
from typing import Any

import pytest

from tests.fakes.certificates import Certificate
from tests.fakes.children import Child
from tests.fakes.service_folder import Said, ServiceFolder
from tests.fronts.cli.trust.trust_places import Place


def test_a_colleague_signs_with_a_key_of_her_own_until_she_may_no_longer(
    place: Place, lading: ServiceFolder, alice: Certificate
) -> None:
    lading("trust", "sign", f"{place.app}:1")
    lading("trust", "signer", "add", "alice", place.app, "--key", str(alice.certificate))
    hers = place.other("alice")
    hers("trust", "key", "load", str(alice.key), "--name", "alice")

    signed = hers.json("trust", "sign", f"{place.app}:2")

    assert set(signed["roles"]) == {"targets/alice", "targets/releases"}
    assert place.signed() == {"1": ["Repo Admin"], "2": ["alice"]}
    asked = lading.run("trust", "signer", "remove", "alice", place.app)
    assert asked.code == 6
    assert "or insist with --yes" in asked.err
    lading("trust", "signer", "remove", "alice", place.app, "--yes")
    assert place.signed() == {"1": ["Repo Admin"]}
    assert hers.run("trust", "sign", f"{place.app}:2").code != 0
    assert place.trust.refusals == []


def test_a_signer_may_be_given_some_of_the_tags(place: Place, lading: ServiceFolder) -> None:
    pair = place.pair("bob")
    lading("trust", "signer", "add", "bob", place.app, "--key", f"{pair}.pub", "--tags", "2", "--tags", "3.")

    [bob] = lading.json("trust", "inspect", place.app)["signers"]

    assert (bob["name"], sorted(bob["tags"])) == ("bob", ["2", "3."])
    his = place.other("bob")
    his("trust", "key", "load", f"{pair}.key", "--name", "bob")
    assert his("trust", "sign", f"{place.app}:2").code == 0
    assert his.run("trust", "sign", f"{place.app}:1").code != 0


def test_all_there_is_to_say_is_in_the_table(place: Place, lading: ServiceFolder, alice: Certificate) -> None:
    lading("trust", "sign", f"{place.app}:1")
    lading("trust", "signer", "add", "alice", place.app, "--key", str(alice.certificate))

    told = lading("trust", "inspect", place.app).out

    assert f"{place.app}   1 signed tag\n" in told
    for heading in ("TAG", "SIGNER", "ROLE"):
        assert f"\n{heading} " in told
    assert lading("trust", "inspect", place.app, "-q").out == f"{place.app}\n"


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (("trust", "signer", "add", "alice", "{app}:1", "--key", "{pub}"), 2, "this is about a whole repository"),
        (("trust", "signer", "add", "Alice", "{app}", "--key", "{pub}"), 2, "must be targets/ and words of a-z"),
        (("trust", "signer", "add", "releases", "{app}", "--key", "{pub}"), 2, "cannot be called releases"),
        (("trust", "signer", "add", "alice", "{app}"), 2, "Missing option '--key'"),
        (("trust", "signer", "add", "alice", "{app}", "--key", "{pub}.gone"), 1, "cannot read"),
        (("trust", "signer", "add", "alice", "{app}", "--key", "{folder}/pair.key"), 2, "neither a public key nor"),
        (("trust", "key", "rotate", "{app}:1"), 2, "this is about a whole repository"),
        (("trust", "key", "rotate", "{app}", "releases"), 2, "is not one of"),
        (("trust", "inspect", "{app}", "--server", "http://127.0.0.1:1"), 2, "private keys stay on this machine"),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_sentence(
    place: Place, lading: ServiceFolder, arguments: tuple[str, ...], code: int, complaint: str
) -> None:
    pub = f"{place.pair('pair')}.pub"

    refused = lading.run(*(each.format(app=place.app, pub=pub, folder=place.folder) for each in arguments))

    assert refused.code == code
    assert complaint in refused.err
    assert place.trust.server.files == {}


def test_a_server_that_was_chosen_is_not_asked_which_is_said(place: Place, lading: ServiceFolder) -> None:
    lading("trust", "sign", f"{place.app}:1")
    chosen = replace(lading, environment={**lading.environment, "LADING_SERVER": "http://127.0.0.1:1"})

    told: Said = chosen("trust", "inspect", place.app)

    assert "the registry is asked from here, not by http://127.0.0.1:1" in told.err


def test_words_are_completed(place: Place, lading: ServiceFolder) -> None:
    lading("trust", "sign", f"{place.app}:1")
    [root] = [key["keyId"] for key in lading.json("trust", "key", "ls") if key["role"] == "root"]

    assert lading.completed("trust", "key", "export", "ro") == ["root"]
    assert lading.completed("trust", "key", "export", root[:6]) == [root]
    assert lading.completed("trust", "sig") == ["sign", "signer"]


def test_templates_read_what_is_told(place: Place, lading: ServiceFolder) -> None:
    made: Any = lading("trust", "sign", f"{place.app}:1", "--format", "{{.digest}}").out.strip()

    assert made.startswith("sha256:")
    shutil.rmtree(place.lading.data / "trust" / "tuf", ignore_errors=True)
    assert lading("trust", "inspect", place.app, "--format", "{{.repository}}").out == f"{place.app}\n"


ASKED = """
import io, os, sys
from lading.fronts.cli.console import Streams
from lading.fronts.cli.program import run
from lading.main.wired import Wired

sys.exit(run(lambda flags: Wired.start(os.environ, flags), sys.argv[1:], Streams.of_process(), os.environ))
"""


def test_a_person_at_a_terminal_is_asked(place: Place, alice: Certificate) -> None:
    """For a new passphrase twice, for one that there is once; and before much is taken back."""
    hers = place.other("alice", LADING_TRUST_PASSPHRASE="")

    loaded = typed(hers, ["secret one", "secret one"], "trust", "key", "load", str(alice.key), "--name", "alice")
    place.lading("trust", "signer", "add", "alice", place.app, "--key", str(alice.certificate))
    signed = typed(hers, ["secret one"], "trust", "sign", f"{place.app}:1")
    kept = typed(hers, ["n"], "trust", "revoke", place.app)

    assert "New passphrase for the alice key" in loaded
    assert "Passphrase of the alice key" in signed
    assert "signed by targets/alice, targets/releases" in signed or "signed by targets/releases" in signed
    assert "error: cancelled" in kept
    assert place.signed() == {"1": ["alice"]}
    assert "secret" not in loaded + signed


def typed(lading: ServiceFolder, answers: list[str], *arguments: str) -> str:
    """What stands on the terminal of a call at which somebody types these lines, each when it is asked for."""
    ours, theirs = pty.openpty()
    environment = {"PATH": os.environ["PATH"], "TERM": "dumb", "HOME": str(lading.data.parent)}
    environment |= {"LADING_DATA": str(lading.data), **lading.environment}
    command = [sys.executable, "-c", ASKED, *arguments]
    child = Child(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, env=environment)
    os.close(theirs)
    written, asked = b"", 0
    while part := _read(ours):
        written += part
        if asked < len(answers) and written.count(b": ") > asked and written.endswith(b": "):
            os.write(ours, f"{answers[asked]}\n".encode())
            asked += 1
    os.close(ours)
    child.wait()
    return written.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other side is closed
        return b""
