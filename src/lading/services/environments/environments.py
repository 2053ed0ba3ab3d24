"""Environments: their rows, and opening one: for every door, with permission asked and the trail kept.

A TLS key or an agent's token goes in and never comes out: it is sealed for its row, and opened only for the work that
needs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Protocol

from lading.errors import Refused
from lading.services.access import Actor, NotLoggedIn, Permission
from lading.services.audit.audit import Deed, Result, Trail
from lading.services.audit.trail import admit, admit_somewhere, refuse
from lading.services.environments.connection_test import ConnectionReport, Probe, Way, try_out
from lading.services.environments.environment import ConnectionType, Environment
from lading.services.environments.forms import EnvironmentForm, changed_row, new_row
from lading.services.environments.guarded_environment import GuardedEnvironment
from lading.services.environments.records import EnvironmentRecords, EnvironmentRow
from lading.services.environments.seen_lists import SeenLists
from lading.services.hub.hub import BACK_SECONDS, AgentAway, Hub
from lading.services.named_rows import NameTaken, RowUnknown, changes, known
from lading.services.secrets import OF_ENVIRONMENT, OF_STANDARD_AGENT, SecretBox
from lading.wire.endpoint import Endpoint
from lading.wire.message import Cancel
from lading.wire.tunnel_login import CloseCode

EMBEDDED_NAME = "local"
"""What our own engine is called until somebody names it."""

REMOVED = (CloseCode.POLICY, "Environment removed")
NOT_EDGE = (CloseCode.POLICY, "Environment changed")
"""With what the socket of its agent is closed."""

_ABOUT_ONE = tuple(each for each in Permission if each.partition(":")[0] in {"images", "environments", "scans"})
"""What somebody may do in an environment."""


class Builder(Protocol):
    """Rows to environments; `key` is the row's secret, opened: the TLS key of a direct one, the token of a standard
    agent. `main` fulfils it."""

    def __call__(self, row: EnvironmentRow, key: str | None) -> Environment:
        """One for all who work there."""

    def trial(self, row: EnvironmentRow, key: str | None) -> AbstractContextManager[Environment]:
        """One that is only tried: nothing of it is kept."""

    def endpoint(self, row: EnvironmentRow, key: str | None) -> Endpoint:
        """How a Docker host is reached."""


class EmbeddedStays(Refused):
    """Our own engine is always there, once."""

    def __init__(self, deed: str) -> None:
        super().__init__(deed)
        self.deed = deed

    def __str__(self) -> str:
        return f"Lading's own environment is there once and always, and cannot be {self.deed}"


class Environments:
    """For every door; each method asks for permission and keeps the trail."""

    def __init__(
        self,
        records: EnvironmentRecords,
        secrets: SecretBox,
        trail: Trail,
        builder: Builder,
        probe: Probe,
        *,
        hub: Hub,
    ) -> None:
        self._records, self._secrets, self._trail = records, secrets, trail
        self._builder, self._probe, self._hub = builder, probe, hub
        self._seen = SeenLists()

    def ensure_embedded(self) -> EnvironmentRow:
        """Our own engine's row, made where there is none: the first one is the default."""
        rows = self._records.environments()
        found = next((row for row in rows if row.connection_type is ConnectionType.EMBEDDED), None)
        if found is not None:
            return found
        row = EnvironmentRow(0, EMBEDDED_NAME, ConnectionType.EMBEDDED, is_default=not rows)
        try:
            return self._records.add_environment(lambda id: replace(row, id=id))  # noqa: A006  a row's own word
        except NameTaken:
            others = [each for each in self._records.environments() if each.connection_type is row.connection_type]
            if not others:
                raise
            return others[0]  # made by another process that begins at the same moment

    # ── rows

    def list(self, actor: Actor) -> Sequence[EnvironmentRow]:
        """Those that the actor may see, in order of id. Raises Denied where it may see none at all."""
        admit_somewhere(self._trail, actor, Permission.ENVIRONMENTS_VIEW, Deed("list", "environment", "", ""))
        return [row for row in self._records.environments() if actor.may(Permission.ENVIRONMENTS_VIEW, row.id)]

    def get(self, actor: Actor, id: int) -> EnvironmentRow:  # noqa: A002  a row's own word
        """Raises RowUnknown."""
        return self._admitted(actor, Permission.ENVIRONMENTS_VIEW, "view", id)

    def add(self, actor: Actor, form: EnvironmentForm) -> EnvironmentRow:
        """Raises EnvironmentInvalid, EmbeddedStays, NameTaken."""
        admit(self._trail, actor, Permission.ENVIRONMENTS_EDIT, Deed("create", "environment", "", form.name or ""))
        row = new_row(form)
        if row.connection_type is ConnectionType.EMBEDDED:
            raise EmbeddedStays("added")
        kept = self._records.add_environment(lambda id: self._sealed(replace(row, id=id), form))  # noqa: A006
        self._record(actor, "create", kept)
        return kept

    def change(self, actor: Actor, id: int, form: EnvironmentForm) -> EnvironmentRow:  # noqa: A002  a row's own word
        """What the form leaves out stays. Raises RowUnknown, EnvironmentInvalid, EmbeddedStays, NameTaken."""
        while True:  # again where somebody else changed it in between: nobody's change is lost
            before = self._admitted(actor, Permission.ENVIRONMENTS_EDIT, "update", id)
            after = self._changed(actor, before, form)
            if self._records.change_environment(before, after):
                break
        self._record(actor, "update", after, changed=changes(before, after))
        if after.connection_type is not before.connection_type:
            self._dismiss(before, NOT_EDGE)
        return after

    def _changed(self, actor: Actor, before: EnvironmentRow, form: EnvironmentForm) -> EnvironmentRow:
        after = self._sealed(changed_row(before, form), form)
        if _concerns_others(before, after):
            admit(
                self._trail,
                actor,
                Permission.ENVIRONMENTS_EDIT,
                Deed("update", "environment", str(before.id), before.name),
            )
        embedded = ConnectionType.EMBEDDED in {before.connection_type, after.connection_type}
        if embedded and before.connection_type is not after.connection_type:
            raise EmbeddedStays("turned into another, or another into it")
        return after

    def remove(self, actor: Actor, id: int) -> None:  # noqa: A002  a row's own word
        """The default one is everybody's, so it takes permission for all. Raises RowUnknown, EmbeddedStays."""
        while True:  # again where somebody else changed it in between: perhaps it is the default one now
            row = self._admitted(actor, Permission.ENVIRONMENTS_EDIT, "delete", id)
            if row.is_default:
                deed = Deed("delete", "environment", str(id), row.name)
                admit(self._trail, actor, Permission.ENVIRONMENTS_EDIT, deed)
            if row.connection_type is ConnectionType.EMBEDDED:
                raise EmbeddedStays("removed")
            if self._records.remove_environment(row):
                break
        self._record(actor, "delete", row)
        self._dismiss(row, REMOVED)

    def make_default(self, actor: Actor, id: int) -> EnvironmentRow:  # noqa: A002  a row's own word
        """For everybody, so it takes permission for all. Raises RowUnknown."""
        admit(self._trail, actor, Permission.ENVIRONMENTS_EDIT, Deed("update", "environment", str(id), ""))
        if not self._records.make_default_environment(id):
            raise RowUnknown("environment", id)
        row = self.row(id)
        self._record(actor, "update", row)
        return row

    def test(self, actor: Actor, id: int, cancel: Cancel) -> ConnectionReport:  # noqa: A002  a row's own word
        """Whether it can be worked with, step by step. Raises RowUnknown, Cancelled."""
        row = self._admitted(actor, Permission.ENVIRONMENTS_EDIT, "test", id)
        key = self._key(row)
        with self._builder.trial(row, key) as environment:
            report = try_out(self._way(row, key), environment, self._probe, self._hub, cancel)
        self._record(actor, "test", row, Result.DONE if report.success else Result.FAILED)
        return report

    # ── work

    def open(self, actor: Actor, id: int | None) -> GuardedEnvironment:  # noqa: A002  a row's own word
        """One to work with; None: the default one. What it allows, it asks at each verb. Raises RowUnknown; who may
        do nothing there is not told that there is none: Denied, NotLoggedIn."""
        if actor.nobody:
            raise NotLoggedIn
        row = self.default() if id is None else self._records.environment(id)
        if row is None:
            if not any(actor.may_somewhere(each, id) for each in _ABOUT_ONE):
                deed = Deed("view", "environment", str(id), "", id)
                refuse(self._trail, actor, Permission.ENVIRONMENTS_VIEW, deed)
            raise RowUnknown("environment", id)
        return GuardedEnvironment(actor, row, self._trail, lambda: self._builder(row, self._key(row)), self._seen)

    def expect(self, environment: GuardedEnvironment, cancel: Cancel, *, taken_up: bool) -> None:
        """Before a job works there: an agent at the edge is to be connected. It is waited for where the job is one that
        was `taken_up`: whatever made that necessary may have cost the agents their connections. Raises AgentAway,
        Cancelled."""
        if environment.connection_type is not ConnectionType.HAWSER_EDGE:
            return
        if not self._hub.back(environment.id, cancel, BACK_SECONDS if taken_up else 0.0):
            raise AgentAway(environment.id)

    def unguarded(self, id: int) -> Environment:  # noqa: A002  a row's own word
        """For Lading's own work, after whoever asked for it was asked: nobody's permission is looked at, and nothing
        goes on record. Raises RowUnknown."""
        row = self.row(id)
        return self._builder(row, self._key(row))

    def rows(self) -> Sequence[EnvironmentRow]:
        """All, in order of id: as `unguarded`."""
        return self._records.environments()

    def admit_load(self, actor: Actor) -> None:
        """Whether there is an environment where it may load archives. Raises Denied, NotLoggedIn."""
        admit_somewhere(self._trail, actor, Permission.IMAGES_IMPORT, Deed("import", "image", "", ""))

    def row(self, id: int) -> EnvironmentRow:  # noqa: A002  a row's own word
        """Raises RowUnknown: "Environment not found"."""
        return known(self._records.environment(id), "environment", id)

    def default(self) -> EnvironmentRow:
        """The one meant where nobody says: our own unless it was changed. Raises RowUnknown where there is none."""
        rows = self._records.environments()
        chosen = min(
            rows,
            key=lambda row: (not row.is_default, row.connection_type is not ConnectionType.EMBEDDED, row.id),
            default=None,
        )
        if chosen is None:
            raise RowUnknown("environment", None)
        return chosen

    def _way(self, row: EnvironmentRow, key: str | None) -> Way | None:
        match row.connection_type:
            case ConnectionType.SOCKET:
                return Way(socket=row.socket_path)
            case ConnectionType.HAWSER_EDGE:
                return Way(agent_of=row.id)
            case ConnectionType.DIRECT | ConnectionType.HAWSER_STANDARD:
                endpoint = self._builder.endpoint(row, key) if row.protocol == "https" else None
                return Way(host=row.host or "", port=row.port or 0, endpoint=endpoint)
            case _:
                return None

    # ── secrets, permission and trail

    def _sealed(self, row: EnvironmentRow, form: EnvironmentForm) -> EnvironmentRow:
        """With what the form has of secrets, where the row has room for them."""
        if form.hawser_token and row.connection_type is ConnectionType.HAWSER_STANDARD:
            sealed = self._secrets.seal(OF_STANDARD_AGENT.format(row.id), form.hawser_token)
            return replace(row, hawser_token_sealed=sealed)
        if form.tls_key and row.protocol == "https":
            return replace(row, tls_key_sealed=self._secrets.seal(OF_ENVIRONMENT.format(row.id), form.tls_key))
        return row

    def _key(self, row: EnvironmentRow) -> str | None:
        """The secret that a row has: none has two."""
        if row.hawser_token_sealed is not None:
            return self._secrets.open(OF_STANDARD_AGENT.format(row.id), row.hawser_token_sealed)
        if row.tls_key_sealed is not None:
            return self._secrets.open(OF_ENVIRONMENT.format(row.id), row.tls_key_sealed)
        return None

    def _dismiss(self, row: EnvironmentRow, closing: tuple[int, str]) -> None:
        """The agent that spoke for it, where one did; another process's sees for itself that it may not stay."""
        if row.connection_type is ConnectionType.HAWSER_EDGE:
            self._hub.dismiss(row.id, *closing)

    def _admitted(self, actor: Actor, permission: Permission, action: str, id: int) -> EnvironmentRow:  # noqa: A002
        """The row, for who may; who may not is not told whether there is one."""
        row = self._records.environment(id)
        admit(self._trail, actor, permission, Deed(action, "environment", str(id), row.name if row else "", id))
        if row is None:
            raise RowUnknown("environment", id)
        return row

    def _record(
        self,
        actor: Actor,
        action: str,
        row: EnvironmentRow,
        result: Result = Result.DONE,
        changed: Sequence[str] = (),
    ) -> None:
        details = {
            "connectionType": row.connection_type.value,
            "socketPath": row.socket_path,
            "host": row.host,
            "port": row.port,
            "protocol": row.protocol,
            "tlsSkipVerify": row.tls_skip_verify or None,
            "isDefault": row.is_default,
            "changed": list(changed) or None,
        }
        given = {name: value for name, value in details.items() if value is not None}
        self._trail.record(actor, Deed(action, "environment", str(row.id), row.name, row.id, given), result)


def _concerns_others(before: EnvironmentRow, after: EnvironmentRow) -> bool:
    """Whether it takes more than this environment to edit: it would be another host, or the default one of everybody,
    or that no longer."""

    def reached(row: EnvironmentRow) -> tuple[object, ...]:
        return row.connection_type, row.socket_path, row.host, row.port, row.protocol

    return before.is_default is not after.is_default or reached(before) != reached(after)
