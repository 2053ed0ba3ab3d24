"""`lading config rotate-key` over a real data folder, in this process."""

from __future__ import annotations

import base64

from lading.backends.content_store.locks import exclusive_at_once, shared
from lading.backends.credentials.own import OwnCredentials
from tests.fakes.service_folder import ServiceFolder

SECRET = "s3cret-of-the-registry"


def test_a_new_key_opens_what_the_old_one_sealed(lading: ServiceFolder) -> None:
    lading("registry", "add", "prod", "r.example:5000", "-u", "me", "--password-stdin", stdin=SECRET)
    before = (lading.data / "secret.key").read_bytes()

    rotated = lading.json("config", "rotate-key")

    assert rotated["sealed"] == 1
    assert (lading.data / "secret.key").read_bytes() != before
    assert lading.json("registry", "ls")[0]["hasCredentials"] is True
    assert lading.json("audit", "tail", "--action", "rotate")[0]["entityId"] == rotated["key"]


def test_logins_of_the_command_line_are_sealed_again_too(lading: ServiceFolder) -> None:
    lading("user", "ls")
    OwnCredentials(lading.data / "logins.json", lading.data / "secret.key").set("r.example", "me", SECRET)

    assert lading.json("config", "rotate-key")["sealed"] == 1
    assert lading("login", "--list").out.splitlines()[1].split() == ["r.example", "me"]


def test_the_key_stays_while_a_server_or_another_command_uses_it(lading: ServiceFolder) -> None:
    lading("registry", "ls")

    with exclusive_at_once(lading.data / "serve.lock"):
        served = lading.run("config", "rotate-key")
    with shared(lading.data / "secret.lock"):
        used = lading.run("config", "rotate-key")

    assert (served.code, used.code) == (6, 6)
    assert "the secret key is not changed while a server runs" in served.err
    assert "another lading command is using the secret key" in used.err


def test_a_key_of_the_environment_is_changed_by_giving_both(lading: ServiceFolder) -> None:
    old, new = (base64.b64encode(bytes([number] * 32)).decode() for number in (1, 2))

    def given(*keys: str) -> ServiceFolder:
        return ServiceFolder(lading.data, {"LADING_SECRET_KEY": " ".join(keys)})

    given(old)("registry", "add", "prod", "r.example:5000", "-u", "me", "--password-stdin", stdin=SECRET)

    alone = given(old).run("config", "rotate-key")
    rotated = given(new, old)("config", "rotate-key")

    assert (alone.code, alone.err.splitlines()[0]) == (2, "error: there is no new secret key")
    assert rotated.out.startswith("1 secret sealed again")
    assert "needs only its first key" in rotated.err
    assert given(new)("registry", "ls", "-q").out == "prod\n"
    assert given(old).run("registry", "ls").code == 1


def test_a_lost_key_is_not_replaced_by_a_new_one(lading: ServiceFolder) -> None:
    lading("registry", "add", "prod", "r.example:5000", "-u", "me", "--password-stdin", stdin=SECRET)
    (lading.data / "secret.key").unlink()

    assert lading.run("config", "rotate-key").code == 1
    assert not (lading.data / "secret.key").exists()


def test_a_wrong_key_is_one_error(lading: ServiceFolder) -> None:
    lading("registry", "add", "prod", "r.example:5000", "-u", "me", "--password-stdin", stdin=SECRET)
    (lading.data / "secret.key").unlink()

    said = lading.run("registry", "ls")

    assert said.code == 1
    assert said.err.startswith("error: ")
    assert "Traceback" not in said.err
