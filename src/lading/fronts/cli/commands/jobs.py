"""`lading jobs`: what the service runs, or has run."""

from __future__ import annotations

import json
from collections.abc import Iterator

import click

from lading.errors import AccessDenied, LadingError, PartlyDone, Side, Unreachable
from lading.fronts.cli.commands.rows import fields_text
from lading.fronts.cli.completing import names
from lading.fronts.cli.console import Console, Listing
from lading.fronts.cli.failures import JobEnded
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Group
from lading.fronts.cli.texts import progress, visible_json
from lading.oci.instants import instant
from lading.services.access import LADING, Denied
from lading.services.jobs.causes import root_of_line
from lading.services.jobs.job import Job, JobState, JsonObject, Line
from lading.services.jobs.records import JobFilter
from lading.services.running.jobs import Jobs, JobUnknown
from lading.services.watching.view import job_json

LINES_AT_ONCE = 200
_HEADINGS = ("ID", "KIND", "STATE", "WHAT", "USER", "UPDATED")


def _completed(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    def here() -> list[str]:
        service = ctx.ensure_object(Invocation).application.administration.jobs
        return [job.id for job in service.page(LADING, JobFilter(), 0, 100).jobs]

    return names(ctx, "jobs", incomplete, here)


@click.group(cls=Group)
def jobs() -> None:
    """Pushes, pulls and copies that the service runs or has run."""


_job = click.argument("job", metavar="JOB", shell_complete=_completed)


@jobs.command("ls")
@click.option(
    "--state", "states", multiple=True, type=click.Choice([state.value for state in JobState]), help="Only these."
)
@click.option("--kind", metavar="KIND", help="Only these: push, pull, copy, distribute, import, scan, gc, retention, …")
@click.option("-n", "--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="The newest so many.")
@click.pass_obj
def list_jobs(invocation: Invocation, *, states: tuple[str, ...], kind: str | None, limit: int) -> None:
    """List jobs, the newest first."""
    wanted = JobFilter(states=frozenset(map(JobState, states)), kind=kind)
    page = invocation.application.administration.jobs.page(LADING, wanted, 0, limit)
    invocation.console.results(invocation.form, Listing(page.jobs, job_json, _HEADINGS, _row, lambda job: job.id))
    if page.total > len(page.jobs):
        invocation.console.say(f"{page.total - len(page.jobs)} older ones are not shown: --limit")


@jobs.command()
@_job
@click.pass_obj
def show(invocation: Invocation, job: str) -> None:
    """Show one with every field, and its result."""
    record = job_json(_found(invocation.application.administration.jobs, job))
    invocation.console.result(invocation.form, record, fields_text(record), job)


@jobs.command()
@_job
@click.pass_obj
def logs(invocation: Invocation, job: str) -> None:
    """Print what a job has said so far."""
    service = invocation.application.administration.jobs
    found = _found(service, job)
    lines = list(_lines(service, job, 0))
    if invocation.form in {None, "table"}:
        for line in lines:
            invocation.console.print(_text(line))
    else:
        invocation.console.result(invocation.form, job_json(found, lines), "")


@jobs.command()
@_job
@click.pass_obj
def watch(invocation: Invocation, job: str) -> None:
    """Follow a job to its end, and end as it does: 0 where it is done.

    Ctrl-C ends the watching, and leaves the job alone. With --format json each line is one JSON object.
    """
    follow(invocation, job)


def follow(invocation: Invocation, job: str) -> None:
    """Print a job's lines to its end. Raises JobUnknown, JobEnded unless it is done, Cancelled."""
    service = invocation.application.administration
    found, after = _found(service.jobs, job), 0
    with service.news() as news, invocation.cancellable() as cancel:
        while True:
            for line in _lines(service.jobs, job, after):
                after = line.number
                _print_line(invocation.console, invocation.form, line)
            found = _found(service.jobs, job)
            if found.state.ended and after >= found.cursor:
                break
            if not found.state.ended:
                news.wait(cancel)
    raise_ended(found.id, found.state, found.result)


@jobs.command()
@_job
@click.pass_obj
def cancel(invocation: Invocation, job: str) -> None:
    """End a job that waits or runs; a server that runs it stops its transfer."""
    service = invocation.application.administration.jobs
    over = _found(service, job).state.ended
    found = service.cancel(LADING, job)
    text = f"{job}   was over already: {found.state}" if over else f"{job}   {found.state}"
    invocation.console.result(invocation.form, job_json(found), text, job)


@jobs.command()
@_job
@click.pass_obj
def retry(invocation: Invocation, job: str) -> None:
    """Ask for the same again, as a new job: a server takes it up, at once or when it starts."""
    service = invocation.application.administration
    _found(service.jobs, job)
    again = service.jobs.retry(LADING, job)
    invocation.console.result(invocation.form, job_json(again), f"{again.id}   {again.request.kind} again", again.id)
    with service.alone() as alone:
        if alone:
            invocation.console.say("it waits for lading serve to start")
        else:
            invocation.console.say(f"lading jobs watch {again.id} follows it")


def _found(service: Jobs, job: str) -> Job:
    try:
        return service.get(LADING, job)
    except JobUnknown as error:
        raise error.but(command="lading jobs ls") from error


def _lines(service: Jobs, job: str, after: int) -> Iterator[Line]:
    while found := service.lines(LADING, job, after, LINES_AT_ONCE):
        yield from found
        after = found[-1].number


def _print_line(console: Console, form: str | None, line: Line) -> None:
    if form in {None, "table"}:
        console.print(_text(line))
    elif form == "json":
        console.print(visible_json(json.dumps(line.data, ensure_ascii=False)))
    else:
        console.result(form, line.data, "")


def _text(line: Line) -> str:
    """As docker prints one: the layer where it is about one, what happens, how far it is."""
    data = line.data
    said = data.get("message") or data.get("error") or data.get("status") or ""
    layer = f"{data['id']}: " if "id" in data and "message" not in data else ""
    extra = f"  {data['progress']}" if data.get("progress") else ""
    return f"{instant(line.at)}  {layer}{said}{extra}"


def _row(job: Job) -> tuple[str, ...]:
    deed = job.request.deed
    return (
        job.id,
        job.request.kind,
        _state(job),
        deed.entity_name if deed else "-",
        job.owner_name,
        instant(job.updated),
    )


def _state(job: Job) -> str:
    sent, total = (_number((job.totals or {}).get(name)) for name in ("sent", "image"))
    running = job.state is JobState.RUNNING and sent is not None
    return f"{job.state}  {progress(sent or 0, total)}" if running else job.state.value


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None


def raise_ended(job: str, state: str, said: JsonObject | None) -> None:
    """How a job of this id and state ended, of which its terminal line is known. Raises JobEnded unless it is done."""
    if state != JobState.DONE:
        result = said or {}
        sentence, side = (_word(result, name) for name in ("error", "side"))
        root = _root(result)
        ended = JobEnded(job, sentence or f"the job is {state}", root)
        whose = Side(side) if side in set(Side) else root.side
        why, hint, command = _word(result, "detail"), _word(result, "hint"), None
        if issubclass(root, PartlyDone):
            command = f"lading jobs retry {job}: what is done stays done"
        elif issubclass(root, Unreachable) and hint is None:
            command = f"Start the agent on that host; then lading jobs retry {job}"
        raise ended.but(side=whose, why=why, hint=hint, command=command)


def _word(result: JsonObject, name: str) -> str | None:
    value = result.get(name)
    return value if isinstance(value, str) else None


def _root(result: JsonObject) -> type[LadingError]:
    """What the job's error derives from, as exit codes go: who may not is one who would have to log in."""
    root = root_of_line(result)
    return AccessDenied if root is Denied else root
