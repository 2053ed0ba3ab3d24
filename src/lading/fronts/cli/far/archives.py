"""`lading save`, `load` and `import` at a server: archives of this machine out of an environment, and into one."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO
from urllib.parse import quote, urlencode

from lading.errors import NotFound, StorageFailed
from lading.fronts.cli.commands.moving import Flags, archive_on_stdout
from lading.fronts.cli.far.following import followed, result_of
from lading.fronts.cli.far.server import environment_of, refuse_flags, server_of, word
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.one_platform import one_platform
from lading.fronts.cli.texts import plural, size
from lading.services.transfers.transfers import Call
from lading.wire.docker_words import Verb
from lading.wire.message import Reader

PIECE = 1024 * 1024
_MODE = 0o666


class ArchiveUnwritable(StorageFailed):
    """The file that an archive was to be written to."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(path, why)
        self.path, self.why = path, why

    def __str__(self) -> str:
        return f"cannot write {self.path}"


class ArchiveUnreadable(NotFound):
    """The file that an archive was to be read from."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(path, why)
        self.path, self.why = path, why

    def __str__(self) -> str:
        return f"cannot read {self.path}"


def save(invocation: Invocation, *, images: tuple[str, ...], output: str, archive_form: str, compress: str) -> None:
    """Docker's form, as the server's environment writes it."""
    refuse_flags(invocation, "platform", archive_form=archive_form != "docker", compress=compress != "none")
    aside = output == "-" and archive_on_stdout(invocation)
    with invocation.cancellable() as cancel:
        env = environment_of(invocation, cancel)
        fields = [("image", name) for name in images[1:]] + ([("env", str(env))] if env is not None else [])
        path = f"/api/images/{quote(images[0], safe='')}/export" + (f"?{urlencode(fields)}" if fields else "")
        with server_of(invocation).stream(path, cancel) as stream, _written(output) as file:
            moved = _moved(stream, file) if stream is not None else 0
    text = f"{output}   {plural(len(images), 'image')}, {size(moved)}"
    if aside:
        invocation.console.say(text)
    else:
        record = {"path": output, "references": list(images), "size": moved}
        invocation.console.result(invocation.form, record, text, "\n".join(images))


def load(invocation: Invocation, *, archive: str, input_file: str | None, name: str | None) -> None:
    """By pieces, each sent until it is there; then a job."""
    refuse_flags(invocation, **{"as": name is not None})
    path, server = input_file or archive, server_of(invocation)
    with invocation.cancellable() as cancel:
        with _read(path) as read:
            job = server.load(read, cancel, {"env": environment_of(invocation, cancel)})
        if "detach" in invocation.on_the_line:
            invocation.console.result(invocation.form, {"jobId": job}, job, job)
            return
        result = result_of(followed(invocation, job, path, cancel, Verb.LOAD))
    loaded = result.get("images")
    rows = [row for row in loaded if isinstance(row, dict)] if isinstance(loaded, list) else []
    names = [word(row, "name", "id") for row in rows]
    text = "\n".join(f"{each}   loaded" for each in names) or word(result, "message")
    invocation.console.result(invocation.form, result, text, "\n".join(names))


def import_(invocation: Invocation, *, archive: str, name: str) -> None:
    """Made an image on this machine, whose store keeps nothing of it, and loaded there."""
    platform = one_platform(invocation)
    with TemporaryDirectory(prefix="lading-") as folder:
        packed = f"{folder}/image.tar"
        options = Flags(False, False, True, False, None, disable_content_trust=True).options(invocation)
        with invocation.cancellable() as cancel, invocation.progress() as report:
            call = Call(replace(options, wanted=None), report, cancel)
            moved = invocation.application.archives.pack(archive, name, platform, packed, call)
            if moved.error is not None:
                raise moved.error
        load(invocation, archive=packed, input_file=None, name=None)


def _moved(stream: Reader, file: BinaryIO) -> int:
    buffer, moved = memoryview(bytearray(PIECE)), 0
    while count := stream.readinto(buffer):
        file.write(buffer[:count])
        moved += count
    return moved


@contextmanager
def _written(path: str) -> Iterator[BinaryIO]:
    """A file is there whole, or not at all. What is there already and no plain file (a pipe, /dev/null) is written to
    as it stands."""
    if path == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    final = Path(path).resolve()
    try:
        if final.exists() and not final.is_file():
            with final.open("wb") as file:
                yield file
            return
        beside = final.with_name(f".{final.name}.{secrets.token_hex(4)}")
        number = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
        try:
            with os.fdopen(number, "wb") as file:
                yield file
            beside.replace(final)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ArchiveUnwritable(path, os.strerror(error.errno or 0)) from error


@contextmanager
def _read(path: str) -> Iterator[Callable[[int], bytes]]:
    if path == "-":
        yield sys.stdin.buffer.read
        return
    try:
        file = Path(path).open("rb")  # noqa: SIM115  closed below: what fails inside is not about the file
    except OSError as error:
        raise ArchiveUnreadable(path, os.strerror(error.errno or 0)) from error
    with file:
        yield file.read
