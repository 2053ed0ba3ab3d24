"""`lading diff`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import click

from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Command
from lading.fronts.cli.one_platform import one_platform
from lading.fronts.cli.options import image_argument, remote_options, setting
from lading.fronts.cli.prefixes import mentioning_prefix
from lading.fronts.cli.texts import lines, plural, size
from lading.oci.platform import Platform
from lading.services.browsing.insides_view import difference_json
from lading.services.embedded.comparison import Compared, compare
from lading.services.places import parse_place
from lading.wire.message import Cancel

Told = Mapping[str, object]
"""What services.browsing.insides_view makes of a difference, or an object in it."""


@click.command(cls=Command)
@image_argument("left", metavar="IMAGE")
@image_argument("right", metavar="OTHER")
@setting("--platform", multiple=True, metavar="OS/ARCH", help="Which to compare; this machine's kind unless said.")
@remote_options
@click.pass_obj
def diff(invocation: Invocation, left: str, right: str) -> None:
    """Show what differs between two images: layers, settings, packages.

    Packages are compared where both images were scanned before, or their SBOMs were made; at a server also what scans
    found.
    """
    platform = one_platform(invocation)
    with invocation.cancellable() as cancel, mentioning_prefix([left, right]):
        before, after = (_side(invocation, each, platform, cancel) for each in (left, right))
    print_difference(invocation, difference_json(compare(before, after)))


def print_difference(invocation: Invocation, told: Told) -> None:
    """The same for an answer of a server."""
    invocation.console.result(invocation.form, told, lines(_lines(told)))


def _side(invocation: Invocation, image: str, platform: Platform | None, cancel: Cancel) -> Compared:
    """With what is kept of it: nothing is read for this."""
    application = invocation.application
    side, config = application.images.compared(parse_place(image), platform, cancel)
    return side if config is None else replace(side, inventory=application.scans.kept(config))


def _lines(told: Told) -> Iterator[str]:
    before, after = _object(told, "a"), _object(told, "b")
    yield f"- {_image(before)}"
    yield f"+ {_image(after)}"
    if told.get("same"):
        yield "the same image, byte for byte"
        return
    yield from _layers(_object(told, "layers"))
    for each in _objects(told, "config"):
        yield f"  {each.get('name')}: {_or_none(each, 'before')} → {_or_none(each, 'after')}"
    if told.get("packages"):
        yield from _packages(_object(told, "packages"))
    if told.get("findings"):
        yield from _findings(_object(told, "findings"))


def _image(image: Told) -> str:
    name, identity = str(image.get("name")), str(image.get("id"))
    return name if name == identity else f"{name}@{identity}"


def _layers(layers: Told) -> Iterator[str]:
    same = _objects(layers, "same")
    shared = sum(_number(each, "size") for each in same)
    yield f"  {plural(len(same), 'layer')} shared, {size(shared)}"
    for sign, name in (("-", "removed"), ("+", "added")):
        for each in _objects(layers, name):
            digest = str(each.get("digest") or each.get("diffId")).partition(":")[2][:12]
            known = each.get("size")
            yield f"{sign} layer {digest}  {size(known if isinstance(known, int) else None):>9}"


def _packages(packages: Told) -> Iterator[str]:
    yield f"  {plural(_number(packages, 'same'), 'package')} in both"
    for sign, name in (("-", "removed"), ("+", "added")):
        yield from (f"{sign} {_package(each)} {each.get('version')}" for each in _objects(packages, name))
    for each in _objects(packages, "changed"):
        yield f"~ {_package(each)} {_texts(each, 'before')} → {_texts(each, 'after')}"


def _package(package: Told) -> str:
    return f"package {package.get('type')}:{package.get('name')}"


def _findings(findings: Told) -> Iterator[str]:
    yield f"  {plural(len(_objects(findings, 'same')), 'finding')} in both, by {findings.get('scanner')}"
    for sign, name in (("-", "fixed"), ("+", "new")):
        for each in _objects(findings, name):
            yield f"{sign} {each.get('severity')} {each.get('id')} {each.get('package')} {each.get('version')}"


def _object(told: Told, name: str) -> Told:
    found = told.get(name)
    return found if isinstance(found, dict) else {}


def _objects(told: Told, name: str) -> Sequence[Told]:
    found = told.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _number(told: Told, name: str) -> int:
    found = told.get(name)
    return found if isinstance(found, int) else 0


def _texts(told: Told, name: str) -> str:
    found = told.get(name)
    return ", ".join(map(str, found)) if isinstance(found, list) else ""


def _or_none(told: Told, name: str) -> str:
    found = told.get(name)
    return "(none)" if found is None else str(found)
