"""`lading untag` at a server: names of an environment's images, or with --remote tags of registries."""

from __future__ import annotations

from urllib.parse import quote

from lading.errors import Refused
from lading.fronts.cli.far.images import PATH
from lading.fronts.cli.far.remote import OWN, registry_row
from lading.fronts.cli.far.server import environment_of, number, refuse_flags, server_of, words
from lading.fronts.cli.invocation import Invocation
from lading.oci.reference import Reference
from lading.services.embedded.images import TagMissing
from lading.wire.message import Cancel

_OURS_ALONE = ("insecure", "tls-ca", "username", "password")


class LastName(Refused):
    """The only name of an image of a server, which keeps no image without one for long."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name
        self.hint = f"lading rmi {name} removes the image with it."

    def __str__(self) -> str:
        return f"{name_text(self.name)} is the last name of its image"


def untag(invocation: Invocation, *, names: tuple[str, ...], remote: bool) -> None:
    """One after the other; those that are gone are told, whatever becomes of the others."""
    refuse_flags(invocation, *_OURS_ALONE)
    untagged: list[str] = []
    try:
        with invocation.cancellable() as cancel:
            for name in names:
                take = _from_registry if remote else _from_environment
                untagged.append(take(invocation, name, cancel))
    finally:
        if untagged:
            text = "\n".join(f"{reference}   untagged" for reference in untagged)
            invocation.console.result(invocation.form, {"references": untagged}, text, "\n".join(untagged))


def name_text(name: str) -> str:
    """As docker writes it."""
    return Reference.parse(name).or_latest.familiar


def _from_environment(invocation: Invocation, name: str, cancel: Cancel) -> str:
    """Raises LastName."""
    server, query = server_of(invocation), {"env": environment_of(invocation, cancel)}
    wanted = name_text(name)
    path = f"{PATH}/{quote(wanted, safe='')}"
    others = set(words(server.get(path, cancel, query), "tags")) - {wanted}
    if not others:
        raise LastName(name)
    server.ask("DELETE", path, cancel, query=query)
    return wanted


def _from_registry(invocation: Invocation, name: str, cancel: Cancel) -> str:
    """Raises TagMissing, NotConfiguredThere."""
    server, reference = server_of(invocation), Reference.parse(name)
    if reference.tag is None:
        raise TagMissing(name)
    repository = reference.repository
    row = registry_row(invocation, repository.registry, cancel)
    if row is OWN:
        path = f"/api/repositories/{quote(repository.path, safe='')}/tags/{quote(reference.tag, safe='')}"
        server.ask("DELETE", path, cancel)
    else:
        query: dict[str, str | int | None] = {"registry": number(row, "id"), "repository": repository.path}
        query["reference"] = reference.tag
        server.ask("DELETE", "/api/registry/image", cancel, query=query)
    return str(reference)
