"""`lading demo`: the whole of Lading in a few seconds, in a temporary folder, with no Docker, network or account."""

from __future__ import annotations

import json
import platform
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from lading.errors import Cancelled, LadingError
from lading.fronts.cli.application import Application
from lading.fronts.cli.commands.serve import WAIT_SECONDS
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Command
from lading.fronts.cli.running import OpenRegistry
from lading.fronts.cli.texts import duration, plural, size
from lading.oci.digest import Digest
from lading.oci.platform import Platform
from lading.proof.signing_keys import KeyKind, PrivateKey
from lading.services.embedded.samples import SAMPLE_ADVISORY, SAMPLE_MENDED, sample_archive
from lading.services.findings.scanner import ScannerName, ScanProgress, ScanResult
from lading.services.places import Named
from lading.services.scans.advisories import Origin
from lading.services.scans.words import coverage_text
from lading.services.transfers.transfers import Call, Moved, Options
from lading.services.trust.policy import KeySigner, demanding
from lading.services.trust.trust import SignatureForm
from lading.wire.message import Cancel
from lading.wire.progress import Event


class DemoFailed(LadingError):
    """What arrived is not what was sent: a defect of Lading, which the demo exists to show."""

    def __init__(self, sent: Digest, arrived: Digest) -> None:
        super().__init__(sent, arrived)
        self.sent, self.arrived = sent, arrived

    def __str__(self) -> str:
        return f"the demo sent {self.sent} and got back {self.arrived}"


class UnsignedAccepted(LadingError):
    """An image that nobody signed was taken for signed: a defect of Lading, as above."""

    def __init__(self, digest: Digest) -> None:
        super().__init__(digest)
        self.digest = digest

    def __str__(self) -> str:
        return f"the demo accepted {self.digest}, which nobody signed"


@dataclass(frozen=True, slots=True)
class Scene:
    """Three data folders on one machine: who pushes, who keeps, who pulls."""

    folder: Path
    laptop: Application
    colleague: Application
    registry: OpenRegistry


@click.command(cls=Command)
@click.option("--keep", is_flag=True, help="Leave the registry running, and say how to use it.")
@click.pass_obj
def demo(invocation: Invocation, keep: bool) -> None:
    """Push, share, copy, pull back, prove, scan and sign; nothing to set up.

    Needs no Docker, no network and no account: a registry runs on loopback meanwhile, and everything lies in a
    temporary folder that goes away at the end.
    """
    started = time.monotonic()
    console = invocation.console
    folder = Path(tempfile.mkdtemp(prefix="lading-demo-"))
    try:
        with _scene(invocation.application, folder) as scene, invocation.cancellable() as cancel:
            console.print(f"A laptop, a registry and a colleague, in {folder}")
            for number, (what, told) in enumerate(_acts(scene, cancel), 1):
                console.print(f"{number:2} {what:<8} {told}")
            console.print(f"Done in {duration(time.monotonic() - started)}: every tag read back, every byte checked.")
            console.print("Next: lading demo --keep; lading pull IMAGE; lading doctor")
            if keep:
                _keep(invocation, scene, cancel)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _scene(application: Application, folder: Path) -> Iterator[Scene]:
    laptop = application.elsewhere({"data": str(folder / "laptop")})
    colleague = application.elsewhere({"data": str(folder / "colleague")})
    keeper = application.elsewhere({"data": str(folder / "registry"), "registry-port": 0})
    try:
        with keeper.open_registry() as serving:
            yield Scene(folder, laptop, colleague, serving)
    finally:
        for each in (laptop, colleague, keeper):
            each.close()


def _acts(scene: Scene, cancel: Cancel) -> Iterator[tuple[str, str]]:
    """What is done, one line each: a word, and what came of it."""
    call, laptop, host = Call(Options(), _unheard, cancel), scene.laptop, scene.registry.address
    yield "serves", f"http://{host}, a whole registry on loopback"
    native = Platform.of("linux", platform.machine())
    for name, version in (("hello", "1.0"), ("world", SAMPLE_MENDED)):
        archive = scene.folder / f"{name}.tar"
        archive.write_bytes(sample_archive(f"demo/{name}:1", name, native, version))
        (loaded,) = laptop.archives.load(str(archive), None, call)
        yield "loads", f"demo/{name}:1, {size(loaded.totals.image)}, {_sharing(loaded)}"
    pushed = {}
    for name in ("hello", "world"):
        (moved,) = laptop.transfers.push(Named(f"demo/{name}:1"), [Named(f"{host}/demo/{name}:1")], call)
        pushed[name] = moved
        yield "pushes", f"demo/{name}:1, {_sent(moved)}"
    (again,) = laptop.transfers.push(Named("demo/world:1"), [Named(f"{host}/demo/world:1")], call)
    yield "pushes", f"the same again, {_sent(again)}"
    (copied,) = laptop.transfers.copy(Named(f"{host}/demo/world:1"), [Named(f"{host}/team/world:stable")], call)
    yield "copies", f"team/world:stable, {_sent(copied)}"
    text = f"{host}/team/world@{pushed['world'].root.digest}"
    pulled = scene.colleague.transfers.pull(text, call)
    yield (
        "pulls",
        f"team/world@{pulled.root.digest.algorithm}:{pulled.root.digest.short}…, {size(pulled.totals.sent)} by digest",
    )
    yield "proves", _proof(scene, text, pushed["world"], cancel)
    yield from _scans(scene, cancel)
    yield from _signs(scene, cancel)


def _scans(scene: Scene, cancel: Cancel) -> Iterator[tuple[str, str]]:
    """By our own scanner, with one advisory that is made up: there is no network here."""
    advisories = scene.folder / "advisories"
    advisories.mkdir()
    (advisories / f"{SAMPLE_ADVISORY['id']}.json").write_text(json.dumps(SAMPLE_ADVISORY))
    scene.laptop.advisories.bring(Origin(str(advisories)), _unsaid, cancel)
    for name in ("hello", "world"):
        scanned = scene.laptop.scans.scan(Named(f"demo/{name}:1"), ScannerName.OSV, None, _unseen, cancel)
        yield "scans", f"demo/{name}:1, {_findings(scanned.result)}"


def _signs(scene: Scene, cancel: Cancel) -> Iterator[tuple[str, str]]:
    """The laptop signs, and the colleague has the public half of its key. Raises NotTrusted, UnsignedAccepted."""
    key, host = PrivateKey.generate(KeyKind.ECDSA_P256, secrets.token_bytes), scene.registry.address
    signed = scene.laptop.signatures.sign(f"{host}/team/world:stable", key, [SignatureForm.BUNDLE], cancel)
    yield "signs", f"team/world:stable, digest, tag and time, with key {signed.key.key_id[:12]}"
    policy = demanding([KeySigner("the laptop", key.public)])
    scene.colleague.signatures.verify(f"{host}/team/world:stable", policy, cancel).enforce()
    unsigned = scene.colleague.signatures.verify(f"{host}/demo/hello:1", policy, cancel)
    if unsigned.trusted:
        raise UnsignedAccepted(unsigned.digest)
    yield "verifies", "team/world:stable, signed by the laptop; demo/hello:1, which nobody signed, is refused"


def _findings(result: ScanResult) -> str:
    looked = coverage_text(result.coverage, result.built)
    found = [
        f"{each.id} ({each.severity}) in {each.package}, fixed in {each.fixed_version}" for each in result.findings
    ]
    return f"{', '.join(found)}; {looked}" if found else f"no known vulnerabilities in {looked}"


def _proof(scene: Scene, text: str, pushed: Moved, cancel: Cancel) -> str:
    """The digest is the same on all three sides, and every byte of it is what it should be. Raises DemoFailed."""
    there = scene.laptop.images.digest(Named(f"{scene.registry.address}/team/world:stable"), cancel).digest
    here = scene.laptop.images.find("demo/world:1").root.digest
    if not there == here == pushed.root.digest:
        raise DemoFailed(pushed.root.digest, there)
    checked = scene.colleague.images.check(text, cancel)
    return f"one digest on three sides; {plural(checked.pieces, 'piece')}, {size(checked.size)}, read again and right"


def _sent(moved: Moved) -> str:
    totals = moved.totals
    saved = f"{size(totals.saved)} already there" if totals.saved else "nothing there before"
    return f"{size(totals.sent)} sent, {saved}"


def _sharing(moved: Moved) -> str:
    return f"{size(moved.totals.exists)} of it shared" if moved.totals.exists else "all of it new"


def _keep(invocation: Invocation, scene: Scene, cancel: Cancel) -> None:
    host, data = scene.registry.address, scene.folder / "laptop"
    for line in (
        f"Kept running until Ctrl-C: http://{host}",
        f"  lading ls {host}/demo/hello",
        f"  lading --data {data} images",
        f"  lading --data {data} push demo/hello:1 {host}/mine:1",
        f"  lading copy {host}/demo/world:1 archive:world.tar",
    ):
        invocation.console.print(line)
    try:
        while True:
            cancel.wait(WAIT_SECONDS)
    except Cancelled:
        invocation.console.say("stopped; the folder is gone")


def _unsaid(_text: str) -> None:
    """Of one advisory there is nothing to wait for."""


def _unseen(_progress: ScanProgress) -> None:
    """As `_unheard`."""


def _unheard(_event: Event) -> None:
    """The demo's lines say it all."""
