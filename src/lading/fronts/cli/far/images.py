"""`lading images`, `tag`, `rmi`, `inspect`, `history`, `diff` and `sbom` at a server: the images of one of its
environments."""

from __future__ import annotations

import json
from urllib.parse import quote

from lading.fronts.cli.commands.diff import print_difference
from lading.fronts.cli.commands.rows import fields_text
from lading.fronts.cli.far.server import Columns, Row, environment_of, number, refuse_flags, server_of, word, words
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.one_platform import one_platform
from lading.fronts.cli.texts import size
from lading.oci.reference import Reference

PATH = "/api/images"
_OURS_ALONE = ("insecure", "tls-ca", "username", "password", "platform")


def images(invocation: Invocation, *, pattern: str, digests: bool) -> None:
    """The newest first, a line for each name."""
    with invocation.cancellable() as cancel:
        query = {"env": environment_of(invocation, cancel), "filter": pattern or None}
        rows = server_of(invocation).rows(PATH, cancel, query)

    def cells(row: Row) -> tuple[str, ...]:
        identity = word(row, "id")
        platforms = ", ".join(words(row, "platforms")) or "-"
        name, tag = _parts(word(row, "name"))
        short = identity if digests else identity.removeprefix("sha256:")[:12]
        return (name, tag, short, platforms, word(row, "created") or "-", size(number(row, "size")))

    headings = ("REPOSITORY", "TAG", "IMAGE ID", "PLATFORMS", "CREATED", "SIZE")
    named = [{**row, "name": name} for row in rows for name in words(row, "tags") or [""]]
    Columns(headings, cells, lambda row: word(row, "name") or word(row, "id")).print(invocation, named)


def tag(invocation: Invocation, *, source: str, targets: tuple[str, ...]) -> None:
    """Each name moves, whatever had it."""
    given: list[str] = []
    with invocation.cancellable() as cancel:
        env = environment_of(invocation, cancel)
        for target in targets:
            made = server_of(invocation).ask(
                "POST", _path(source, "tag"), cancel, query={"env": env}, body={"repo": target}
            )
            given.append(word(made, "tag") if isinstance(made, dict) else target)
    text = "\n".join(f"{name}   is {source}" for name in given)
    invocation.console.result(invocation.form, {"references": given}, text, "\n".join(given))


def rmi(invocation: Invocation, *, images: tuple[str, ...], force: bool) -> None:
    """Names, or images by their ids; what only they held goes too."""
    gone: list[str] = []
    freed = 0
    with invocation.cancellable() as cancel:
        query = {"env": environment_of(invocation, cancel), "force": "true" if force else None}
        for image in images:
            told = server_of(invocation).ask("DELETE", _path(image), cancel, query=query)
            found: Row = told if isinstance(told, dict) else {}
            gone += words(found, "deleted")
            freed += number(found, "spaceReclaimed")
    text = "\n".join([*(f"{each}   removed" for each in gone), f"freed {size(freed)}"])
    invocation.console.result(invocation.form, {"deleted": gone, "bytes": freed}, text, "\n".join(gone))


def inspect(invocation: Invocation, *, image: str) -> None:
    """With what it is made of."""
    refuse_flags(invocation, *_OURS_ALONE)
    with invocation.cancellable() as cancel:
        found = server_of(invocation).get(_path(image), cancel, {"env": environment_of(invocation, cancel)})
    invocation.console.result(invocation.form, found, fields_text(found), word(found, "digest", "id"))


def history(invocation: Invocation, *, image: str) -> None:
    """The newest step first."""
    refuse_flags(invocation, *_OURS_ALONE)
    with invocation.cancellable() as cancel:
        query = {"env": environment_of(invocation, cancel)}
        found = server_of(invocation).ask("GET", _path(image, "history"), cancel, query=query)
    steps: list[Row] = [step for step in found if isinstance(step, dict)] if isinstance(found, list) else []

    def cells(step: Row) -> tuple[str, ...]:
        return (word(step, "created") or "-", size(number(step, "size")), word(step, "createdBy")[:120])

    Columns(("CREATED", "SIZE", "STEP"), cells, lambda step: word(step, "id") or "-").print(invocation, steps)


def diff(invocation: Invocation, *, left: str, right: str) -> None:
    """Two images of one environment."""
    refuse_flags(invocation, *(flag for flag in _OURS_ALONE if flag != "platform"))
    platform = one_platform(invocation)
    with invocation.cancellable() as cancel:
        env = environment_of(invocation, cancel)
        query = {"env": env, "a": left, "b": right, "platform": str(platform) if platform else None}
        found = server_of(invocation).get(f"{PATH}/compare", cancel, query)
    print_difference(invocation, found)


def sbom(invocation: Invocation, *, source: str) -> None:
    """The server reads what it has not read yet."""
    refuse_flags(invocation, *(flag for flag in _OURS_ALONE if flag != "platform"))
    platform = one_platform(invocation)
    with invocation.cancellable() as cancel:
        query = {"env": environment_of(invocation, cancel), "platform": str(platform) if platform else None}
        document = server_of(invocation).get(_path(source, "sbom"), cancel, query)
    invocation.console.pass_on(json.dumps(document, indent=2) + "\n")


def _path(image: str, *more: str) -> str:
    return "/".join([PATH, quote(image, safe=""), *more])


def _parts(name: str) -> tuple[str, str]:
    if not name:
        return "<none>", "<none>"
    reference = Reference.parse(name)
    return reference.repository.familiar, reference.tag or "-"
