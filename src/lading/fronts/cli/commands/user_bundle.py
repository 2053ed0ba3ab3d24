"""`lading user bundle`: what docker on another machine needs to come to the Docker door as a user, in one file."""

from __future__ import annotations

import io
import os
import time
import zipfile
from pathlib import Path

import click

from lading.errors import InputInvalid, LadingError, StorageFailed
from lading.fronts.cli.commands.rows import chosen, completed
from lading.fronts.cli.completing import files
from lading.fronts.cli.durations import lasting_seconds
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Command
from lading.services.access import LADING
from lading.services.identity.client_certificates import Bundle
from lading.services.identity.tokens import TokenForm
from lading.services.row_view import token_json
from lading.wire.docker_address import DockerAddress

OWNER_ONLY = 0o600


class NoWayIn(LadingError):
    """A bundle for a door that no server has."""

    code = "no_docker_api"
    why = "The server that began last over this data folder does not listen on TCP for docker."
    command = "lading serve --docker-api tcp://0.0.0.0:2376; or say where it will be, with --address HOST:PORT"

    def __str__(self) -> str:
        return "nobody knows where a client would reach the Docker Engine API"


class AddressInvalid(InputInvalid):
    """What --address gives is none."""

    hint = "Write HOST:PORT, as lading.corp:2376."

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"{self.text!r} is no address of a server"


class BundleUnwritable(StorageFailed):
    """The file cannot be made, or stands there already."""

    hint = "Name another with --out FILE."

    def __init__(self, path: str, why: str) -> None:
        super().__init__(path, why)
        self.path, self.why = path, why

    def __str__(self) -> str:
        return f"cannot write {self.path}"


@click.command(cls=Command)
@click.argument("name", metavar="NAME|ID", shell_complete=completed("user"))
@click.option("--expires", metavar="TIME", help="How long it lasts, like 12h or 30d; a year unless said.")
@click.option("--scope", "scopes", multiple=True, metavar="NOUN:VERB", help="All that it may; may be repeated.")
@click.option("--label", metavar="TEXT", help="What lists of tokens call it; the file's name unless said.")
@click.option("--address", metavar="HOST:PORT", help="Where the client reaches the server, if the server cannot tell.")
@click.option("--out", metavar="FILE.zip", shell_complete=files, help="Where to write it; NAME.zip unless said.")
@click.pass_obj
def bundle(
    invocation: Invocation,
    *,
    name: str,
    expires: str | None,
    scopes: tuple[str, ...],
    label: str | None,
    address: str | None,
    out: str | None,
) -> None:
    """Write what lets docker come over TCP as this user: ca.pem, cert.pem, key.pem and env.sh, in a zip.

    The key is in no other place. `lading token ls` lists the certificate, and `lading token rm ID` revokes it at once.
    """
    service = invocation.application.administration
    end = time.time() + lasting_seconds(expires) if expires is not None else None
    host = _host(address) if address is not None else service.docker_host
    if host is None:
        raise NoWayIn
    owner = chosen(service.users.list(LADING), "user", name)
    path = Path(out or f"{owner.name}.zip")
    scope = frozenset(scopes) if scopes else None
    with _New(path) as file:
        made = service.certificates.add(LADING, TokenForm(label or path.name, scope, end, owner.id))
        file.write(packed(made.bundle, host))
    invocation.console.say(f"{made.row.name}   certificate, token {made.row.id} of {owner.name}, for {host}")
    invocation.console.say(
        f"unzip -d lading-{owner.name} {path} && cd lading-{owner.name} && . ./env.sh && docker version"
    )
    record = token_json(made.row) | {"path": str(path), "dockerHost": host}
    invocation.console.result(invocation.form, record, str(path))


def packed(made: Bundle, host: str) -> bytes:
    """The zip; its key is for its owner alone wherever it is unpacked."""
    members = {
        "ca.pem": (made.authority, 0o644),
        "cert.pem": (made.certificate, 0o644),
        "key.pem": (made.key, OWNER_ONLY),
        "env.sh": (environment_script(host), 0o644),
    }
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as file:
        for name, (text, mode) in members.items():
            member = zipfile.ZipInfo(name, time.localtime()[:6])
            member.external_attr = (0o100000 | mode) << 16
            file.writestr(member, text)
    return written.getvalue()


def environment_script(host: str) -> str:
    """What makes docker use a bundle. `host` is tcp://HOST:PORT."""
    return (
        "# Makes docker talk to Lading, as the user of this bundle. In the bundle's folder: . ./env.sh\n"
        f"export DOCKER_HOST='{host}'\n"
        "export DOCKER_TLS_VERIFY=1\n"
        'export DOCKER_CERT_PATH="$(cd "$(dirname "${BASH_SOURCE:-$PWD/env.sh}")" && pwd)"\n'
    )


class _New:
    """A file that was not there before, for its owner alone; gone again where writing it fails."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> io.BufferedWriter:
        try:
            number = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
        except OSError as error:
            raise BundleUnwritable(str(self._path), (error.strerror or str(error)).lower()) from error
        self._file = os.fdopen(number, "wb")
        return self._file

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self._file.close()
        except OSError as error:
            self._path.unlink(missing_ok=True)
            raise BundleUnwritable(str(self._path), (error.strerror or str(error)).lower()) from error
        if kind is not None:
            self._path.unlink(missing_ok=True)


def _host(address: str) -> str:
    """As DOCKER_HOST says it. Raises AddressInvalid."""
    found = DockerAddress.parse(f"tcp://{address.removeprefix('tcp://')}")
    if found is None or found.port is None:
        raise AddressInvalid(address)
    return found.origin("tcp")
