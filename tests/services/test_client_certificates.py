"""Client certificates: tokens whose secret never comes back; what they open, and until when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from lading.services.access import LADING, Denied, Permission
from lading.services.identity.authentication import CertificateRefused, LoginFailed
from lading.services.identity.client_certificates import USUAL_SECONDS, ClientCertificates, Issued, NewCertificate
from lading.services.identity.tokens import TokenForm, TokenInvalid
from lading.services.identity.users import UserEdit
from lading.services.named_rows import RowUnknown
from tests.fakes.people import HOME, NOW, People, people


@dataclass
class Counting:
    """Fulfils Authority by texts; the next certificate is another one."""

    certificate: str = "authority"
    count: int = 0

    def client(self, name: str, expires: float) -> Issued:
        self.count += 1
        return Issued(f"certificate of {name} to {expires}", "key", b"%d" % self.count)


@pytest.fixture
def all_(tmp_path: Path) -> Iterator[People]:
    with people(tmp_path) as found:
        yield found


@pytest.fixture
def certificates(all_: People) -> ClientCertificates:
    return ClientCertificates(all_.tokens, Counting(), all_.clock)


def made(all_: People, certificates: ClientCertificates, **fields: object) -> NewCertificate:
    """For bob, whom Lading's owner gives one."""
    user = all_.database.users.user_named("bob") or all_.user("bob", "publisher")
    form = TokenForm("laptop", user=user.id)
    return certificates.add(LADING, replace(form, **fields))  # type: ignore[arg-type]  # fields of the form


def test_it_opens_what_its_user_may(all_: People, certificates: ClientCertificates) -> None:
    row = made(all_, certificates).row

    actor = all_.authentication.certified(HOME, b"1")

    assert (actor.name, actor.token, actor.address) == ("bob", row.id, HOME.address)
    assert actor.may(Permission.IMAGES_PUSH)
    assert not actor.may(Permission.USERS_EDIT)


def test_it_opens_less_where_it_is_scoped(all_: People, certificates: ClientCertificates) -> None:
    made(all_, certificates, scopes=frozenset({"images:view"}))

    actor = all_.authentication.certified(HOME, b"1")

    assert actor.may(Permission.IMAGES_VIEW)
    assert not actor.may(Permission.IMAGES_PUSH)


def test_it_is_listed_as_a_token(all_: People, certificates: ClientCertificates) -> None:
    new = made(all_, certificates)

    (row,) = all_.tokens.list(LADING, everybody=True)

    assert (row.name, row.expires) == ("laptop", NOW + USUAL_SECONDS)
    assert row.prefix.startswith("cert ")
    assert row == new.row
    assert new.bundle.certificate == f"certificate of bob to {NOW + USUAL_SECONDS}"
    assert ("create", "token", "done") in all_.said


def test_a_revoked_one_opens_nothing_any_more(all_: People, certificates: ClientCertificates) -> None:
    row = made(all_, certificates).row
    all_.authentication.certified(HOME, b"1")

    all_.tokens.remove(LADING, row.id)

    with pytest.raises(CertificateRefused):
        all_.authentication.certified(HOME, b"1")
    assert all_.said[-1] == ("login", "token", "failed")


def test_an_expired_one_opens_nothing(all_: People, certificates: ClientCertificates) -> None:
    made(all_, certificates, expires=NOW + 60.5)
    all_.clock.now = NOW + 60

    with pytest.raises(CertificateRefused):
        all_.authentication.certified(HOME, b"1")


def test_one_of_a_user_who_is_switched_off_opens_nothing(all_: People, certificates: ClientCertificates) -> None:
    row = made(all_, certificates).row
    all_.users.change(LADING, row.user, UserEdit(active=False))

    with pytest.raises(CertificateRefused):
        all_.authentication.certified(HOME, b"1")


def test_a_stranger_to_us_opens_nothing(all_: People) -> None:
    with pytest.raises(CertificateRefused):
        all_.authentication.certified(HOME, b"another")


def test_its_fingerprint_is_no_token(all_: People, certificates: ClientCertificates) -> None:
    row = made(all_, certificates).row

    for shown in (row.hash, row.prefix, "1", "lad_1"):
        with pytest.raises(LoginFailed):
            all_.authentication.authenticate(HOME, None, f"Bearer {shown}")


def test_one_that_ends_in_the_past_is_not_made(all_: People, certificates: ClientCertificates) -> None:
    with pytest.raises(TokenInvalid):
        made(all_, certificates, expires=NOW - 1)
    assert all_.tokens.list(LADING, everybody=True) == []


def test_none_is_made_for_nobody_or_by_who_may_not(all_: People, certificates: ClientCertificates) -> None:
    with pytest.raises(RowUnknown):
        made(all_, certificates, user=77)
    with pytest.raises(Denied):
        certificates.add(all_.actor("eve", "viewer"), TokenForm("x", user=all_.user("bob2", "admin").id))


def test_a_certificate_makes_no_further_ones(all_: People, certificates: ClientCertificates) -> None:
    made(all_, certificates)

    with pytest.raises(Denied):
        certificates.add(all_.authentication.certified(HOME, b"1"), TokenForm("more"))
