"""Accepted public keys, for every door: whose signatures the trust rules of our repositories may ask for. Each method
asks for permission and keeps the trail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lading.errors import InputInvalid
from lading.proof.signing_keys import PublicKey
from lading.services.access import Actor, Permission
from lading.services.audit.audit import Result, Trail, row_deed
from lading.services.audit.trail import admit
from lading.services.json_values import Json, iso
from lading.services.named_rows import RowUnknown, known
from lading.services.row_rules import NAME_RULE, row_name
from lading.services.trust.key_records import TrustKeyInUse, TrustKeyRecords, TrustKeyRow

NOUN = "trust key"


class TrustKeyNameInvalid(InputInvalid):
    """A name that no key can have."""

    def __str__(self) -> str:
        return f"the key's name {NAME_RULE}"


@dataclass(frozen=True, slots=True)
class TrustKeyForm:
    """What somebody wrote of a key; `public_key` is a PEM text."""

    name: str
    public_key: str


class AcceptedKeys:
    """For any number of threads. `clock` tells seconds since 1970."""

    def __init__(self, records: TrustKeyRecords, trail: Trail, clock: Callable[[], float]) -> None:
        self._records, self._trail, self._clock = records, trail, clock

    def list(self, actor: Actor) -> Sequence[TrustKeyRow]:
        """In order of id."""
        admit(self._trail, actor, Permission.TRUST_VIEW, row_deed("list", NOUN))
        return self._records.all_keys()

    def get(self, actor: Actor, id: int) -> TrustKeyRow:  # noqa: A002  a row's own word
        """Raises RowUnknown."""
        admit(self._trail, actor, Permission.TRUST_VIEW, row_deed("view", NOUN, id))
        return self._row(id)

    def add(self, actor: Actor, form: TrustKeyForm) -> TrustKeyRow:
        """Raises TrustKeyNameInvalid, KeyInvalid, NameTaken."""
        admit(self._trail, actor, Permission.TRUST_EDIT, row_deed("create", NOUN, name=form.name))
        name = row_name(form.name)
        if name is None:
            raise TrustKeyNameInvalid
        key = PublicKey.parse(form.public_key.encode())
        now, pem = self._clock(), key.pem.decode("ascii")
        row = self._records.add_key(
            lambda id: TrustKeyRow(id, name, pem, key.key_id, now, actor.name)  # noqa: A006  a row's own word
        )
        self._record(actor, "create", row)
        return row

    def remove(self, actor: Actor, id: int) -> None:  # noqa: A002  a row's own word
        """Signatures by it count for nothing from now on. Raises RowUnknown, TrustKeyInUse."""
        admit(self._trail, actor, Permission.TRUST_EDIT, row_deed("delete", NOUN, id))
        row = self._row(id)
        try:
            gone = self._records.remove_key(id)
        except TrustKeyInUse as error:
            self._trail.record(actor, row_deed("delete", NOUN, id, row.name, {"refused": str(error)}), Result.DENIED)
            raise
        if not gone:
            raise RowUnknown(NOUN, id)
        self._record(actor, "delete", row)

    def named(self, actor: Actor, name: str) -> TrustKeyRow:
        """By its name. Raises RowUnknown."""
        return known(next((row for row in self.list(actor) if row.name == name), None), NOUN, name)

    def _row(self, id: int) -> TrustKeyRow:  # noqa: A002  a row's own word
        return known(self._records.key(id), NOUN, id)

    def _record(self, actor: Actor, action: str, row: TrustKeyRow) -> None:
        self._trail.record(actor, row_deed(action, NOUN, row.id, row.name, {"keyId": row.key_id}), Result.DONE)


def trust_key_json(row: TrustKeyRow) -> Json:
    """An accepted key, for others."""
    return {
        "id": row.id,
        "name": row.name,
        "keyId": row.key_id,
        "type": PublicKey.parse(row.public.encode()).kind.value,
        "createdAt": iso(row.created),
        "createdBy": row.created_by,
    }
