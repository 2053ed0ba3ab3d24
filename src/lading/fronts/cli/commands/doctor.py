"""`lading doctor`."""

from __future__ import annotations

import click

from lading.errors import LadingError
from lading.fronts.cli.console import Record
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Command
from lading.fronts.cli.options import remote_options
from lading.services.server.diagnosis import Finding

NAME_WIDTH = 8
"""Columns of the names of the checks that are always made; a registry's name may need more."""


class Unwell(LadingError):
    """Some checks failed; each line said what to do."""

    code = "unwell"
    why = "Each line that begins with FAIL says what was found."
    hint = "What stands at the end of that line, after the arrow"

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.count = count

    def __str__(self) -> str:
        return "1 check failed" if self.count == 1 else f"{self.count} checks failed"


@click.command(cls=Command)
@click.argument("registries", nargs=-1, metavar="[HOST|REPOSITORY…]")
@click.option("--content", is_flag=True, help="Read all content again; set aside what is not what its name says.")
@remote_options
@click.pass_obj
def doctor(invocation: Invocation, registries: tuple[str, ...], content: bool) -> None:
    """Check this machine and the registries named.

    Looks at the data folder, disk, clock, ports, proxies, trusted authorities, Docker's socket, credential helpers
    and the age of advisories; and at the service, where one was set up: its rows, key, certificate, public address,
    agents and last backup. Changes nothing. Every line that failed ends with a command.

    With --content every blob is read again and compared with its digest, as `lading serve` does by itself, a little at
    a time. What is damaged is set aside, so that nobody is given it, and is whole again once it was pushed or pulled.
    """
    told: list[Finding] = []
    width = max(NAME_WIDTH, *map(len, registries)) if registries else NAME_WIDTH
    with invocation.cancellable() as cancel:
        for finding in invocation.application.diagnosis.findings(registries, cancel if content else None):
            told.append(finding)
            if invocation.form in {None, "table"}:
                invocation.console.print(_line(finding, width))
    if invocation.form == "json":
        invocation.console.json([_record(finding) for finding in told])
    failed = [finding for finding in told if not finding.well]
    if failed:
        raise Unwell(len(failed))


def _line(finding: Finding, width: int) -> str:
    if finding.well:
        return f"ok    {finding.name:<{width}} {finding.text}"
    return f"FAIL  {finding.name:<{width}} {finding.text}  →  {finding.hint}"


def _record(finding: Finding) -> Record:
    return {"name": finding.name, "well": finding.well, "text": finding.text, "hint": finding.hint}
