"""`lading backup` and `restore`: everything that Lading keeps, at another place and back."""

from __future__ import annotations

import click

from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Command
from lading.fronts.cli.texts import plural, size
from lading.oci.instants import instant
from lading.services.backups.backups import BackupUnsound, Made
from lading.services.backups.index import KEY, BackupIndex
from lading.services.backups.restoring import Restored, RestoredInPart


@click.command(cls=Command)
@click.argument("destination", metavar="FOLDER|FILE.tar[.zst]")
@click.option("--no-content", is_flag=True, help="Rows and settings alone, without blobs.")
@click.option("--with-keys", is_flag=True, help="The secret key as well: who has the backup can read all secrets.")
@click.pass_obj
def backup(invocation: Invocation, *, destination: str, no_content: bool, with_keys: bool) -> None:
    """Keep rows and content in a folder or file, while everybody works on.

    It holds users, registries, jobs, the audit trail and images as they are when it begins. Into a folder that holds
    an earlier backup only what is new is written, and what is not needed any more is removed once the new backup is
    whole. On the same file system a folder shares blobs with the data folder, which costs no space.

    The secret key is not in a backup unless --with-keys asks for it: keep it elsewhere, for without it the passwords of
    registries cannot be read again.
    """
    with invocation.cancellable() as cancel, invocation.progress() as report:
        administration = invocation.application.administration
        made = administration.backup(destination, report, cancel, content=not no_content, keys=with_keys)
    if not with_keys:
        invocation.console.say("the secret key is not in it; keep a copy elsewhere, or say --with-keys")
    elif made.keyless is not None:
        invocation.console.warn(
            f"the secret key {made.keyless} is not in it, and no file here has it: LADING_SECRET_KEY gives it. "
            "Keep a copy of that elsewhere: without it stored passwords cannot be read again"
        )
    told = _record(made.index, made.place) | {"kept": made.kept, "missing": list(map(str, made.missing))}
    kept = f", {size(made.kept)} of it kept from before" if made.kept else ""
    invocation.console.result(invocation.form, told, f"{made.place}   {_held(made.index)}{kept}", made.place)
    _refuse_unsound(made)


def _refuse_unsound(made: Made) -> None:
    if made.missing:
        raise BackupUnsound(made.place, made.missing)


@click.command(cls=Command)
@click.argument("source", metavar="FOLDER|FILE")
@click.option("--keep-going", is_flag=True, help="Restore what is sound, where some content is missing or damaged.")
@click.pass_obj
def restore(invocation: Invocation, *, source: str, keep_going: bool) -> None:
    """Make an empty data folder what it was when it was backed up.

    The folder must be empty or not be there yet, and so must the database where --database names one: it may be another
    one than the backup was made of. Every blob is compared with its digest. All of it is restored, or nothing. A backup
    that a newer Lading made is refused.
    """
    with invocation.cancellable() as cancel, invocation.progress() as report:
        done = invocation.application.restore(source, report, cancel, keep_going=keep_going)
    told = _record(done.index, done.place) | {"missing": list(map(str, done.lacking))}
    text = f"{done.place}   {_held(done.index)}, as of {instant(done.index.made)}"
    invocation.console.result(invocation.form, told, text, done.place)
    if done.keyless:
        invocation.console.say(f"the secret key is not in it: put {KEY} into the data folder, or set LADING_SECRET_KEY")
    if not done.index.complete:
        invocation.console.say("the backup has no content: lading doctor --content names what is missing")
    _refuse_part(done)


def _refuse_part(done: Restored) -> None:
    if done.lacking:
        raise RestoredInPart(done.place, done.lacking)


def _record(index: BackupIndex, place: str) -> dict[str, object]:
    return {
        "place": place,
        "made": instant(index.made),
        "program": index.program,
        "schema": index.schema,
        "content": index.complete,
        "keys": KEY in index.files,
        "blobs": len(index.blobs),
        "size": index.size,
    }


def _held(index: BackupIndex) -> str:
    content = plural(len(index.blobs), "blob") if index.complete else "no content"
    return f"{content}, {size(index.size)}"
