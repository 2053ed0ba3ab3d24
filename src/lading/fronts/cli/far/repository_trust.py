"""`lading repository trust` and `keys` at a server."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from lading.fronts.cli.commands.repository_trust import (
    KEY_HEADINGS,
    key_cells,
    key_name,
    name_known,
    rule_of,
    trust_text,
)
from lading.fronts.cli.far.server import Columns, Row, number, server_of, word
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.secrets import read_text
from lading.services.named_rows import known

KEYS = "/api/trust/keys"


def trust(
    invocation: Invocation,
    *,
    name: str,
    mode: str | None,
    keys: tuple[str, ...],
    notary: bool,
    root_keys: tuple[str, ...],
    threshold: int | None,
    bind_tag: bool,
    max_age_days: int | None,
    signed_as: tuple[str, ...],
    tag: str | None,
    new: bool,
) -> None:
    """The rule, or all of it from now on; and what it says of a tag."""
    rule_path = f"/api/repositories/{quote(name, safe='')}/trust"
    path = rule_path + (f"?tag={quote(tag, safe='')}" if tag else "")
    server = server_of(invocation)
    written = rule_of(
        mode=mode,
        keys=keys,
        notary=notary,
        root_keys=root_keys,
        threshold=threshold,
        bind_tag=bind_tag,
        max_age_days=max_age_days,
        signed_as=signed_as,
    )
    with invocation.cancellable() as cancel:
        if written is not None and not new:
            name_known(lambda: server.get(rule_path, cancel))
        if written is None:
            told: Row = server.get(path, cancel)
        else:
            answer = server.ask("PUT", path, cancel, body=dict(written))
            told = answer if isinstance(answer, dict) else {}
    rule, verdict = told.get("rule"), told.get("verdict")
    seen = verdict if isinstance(verdict, Mapping) else None
    text = trust_text(rule if isinstance(rule, Mapping) else None, seen, f"{name}:{tag}")
    invocation.console.result(invocation.form, {"name": name, **told}, text, name)


def accepted_keys(invocation: Invocation, *, add: tuple[str, str] | None, rm: str | None) -> None:
    """Those that rules may name."""
    server = server_of(invocation)
    with invocation.cancellable() as cancel:
        if rm is not None:
            row = known(
                next((row for row in server.rows(KEYS, cancel) if word(row, "name") == rm), None), "trust key", rm
            )
            server.ask("DELETE", f"{KEYS}/{number(row, 'id')}", cancel)
        if add is not None:
            name, file = add
            server.ask("POST", KEYS, cancel, body={"name": name, "publicKey": read_text(file) or ""})
        rows = server.rows(KEYS, cancel)
    Columns(KEY_HEADINGS, key_cells, key_name).print(invocation, rows)
