"""`lading gc` at a server: content of its own that nothing keeps."""

from __future__ import annotations

from lading.fronts.cli.far.following import followed, result_of
from lading.fronts.cli.far.server import number, server_of, words
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.texts import plural, size


def gc(invocation: Invocation, *, dry_run: bool) -> None:
    """A job there."""
    with invocation.cancellable() as cancel:
        job = server_of(invocation).started("/api/prune/content", cancel, body={"dryRun": dry_run})
        if "detach" in invocation.on_the_line:
            invocation.console.result(invocation.form, {"jobId": job}, job, job)
            return
        result = result_of(followed(invocation, job, "content", cancel))
    verb = "would free" if dry_run else "freed"
    text = f"{verb} {size(number(result, 'bytes'))} in {plural(number(result, 'removed'), 'piece')}"
    invocation.console.result(invocation.form, result, text, str(number(result, "bytes")))
    for note in words(result, "notes"):
        invocation.console.say(note)
