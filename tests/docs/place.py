"""Where a page is carried out: machines with nothing on them but the program, and names that lead to this machine.

A page speaks of `ghcr.io` and `lading.corp`; nothing leaves loopback, so the place says which address here stands for a
name, in what is typed and in what is shown.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
from pathlib import Path

from tests.docs.shell import Calls, Machine
from tests.fakes.service_folder import ServiceFolder
from tests.peers import layouts, programs
from tests.peers.service_process import PASSWORD, Service

HERE = "here"


class Place:
    """The machines of one page; `close` of its stack ends all that runs there."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack) -> None:
        self.folder, self.stack = folder, stack
        self.names: dict[str, str] = {}
        self.variables: dict[str, str] = {}
        self.calls_alone = False
        """Whether the page types nothing but calls of the program."""
        self._machines: dict[str, Machine | Calls] = {}
        self._programs = folder / "bin"
        self._programs.mkdir()
        self.program("lading", f'exec {sys.executable} -m lading "$@"')
        self.port, self.registry_port = programs.free_port(), programs.free_port()
        for host in ("127.0.0.1", "localhost"):
            self.names |= {f"{host}:3000": f"{host}:{self.port}", f"{host}:5000": f"{host}:{self.registry_port}"}

    def program(self, name: str, script: str) -> None:
        """Put a shell script of that name first in PATH."""
        file = self._programs / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def home(self, name: str = HERE) -> Path:
        """Of the machine of that name, which need not have been used yet."""
        path = self.folder / name
        path.mkdir(exist_ok=True)
        return path

    def data(self, name: str = HERE) -> Path:
        """The usual data folder there."""
        return self.home(name) / ".local/share/lading"

    def machine(self, name: str = HERE) -> Machine | Calls:
        """The one of that name."""
        if name not in self._machines:
            self.data(name).mkdir(mode=0o700, parents=True, exist_ok=True)  # root's usual one is the machine's own
            environment = self._environment() | {"LADING_DATA": str(self.data(name))}
            if self.calls_alone:
                self._machines[name] = Calls(self.home(name), environment)
            else:
                self._machines[name] = machine = Machine(self.home(name), environment)
                self.stack.callback(machine.close)
        return self._machines[name]

    def here(self, text: str) -> str:
        """The text of a page with the names of this place."""
        for name in sorted(self.names, key=len, reverse=True):
            text = re.sub(rf"(?<![\w.-])(?<!\w/){re.escape(name)}(?![\w-]|\.\w)", lambda _: self.names[name], text)  # noqa: B023
        return text

    def lading(self, *arguments: str, machine: str = HERE, stdin: str = "") -> str:
        """What the program prints over a machine's usual data folder, in this process; it must go well."""
        self.data(machine).mkdir(mode=0o700, parents=True, exist_ok=True)
        return ServiceFolder(self.data(machine))(*arguments, stdin=stdin).out

    def image(self, *references: str, seed: str = "web", size: int = 200_000) -> str:
        """A small image, under these references of the page too; gives where it lies."""
        layout = self.folder / f"layout-{seed}"
        if not layout.exists():
            made = layouts.write_image(layout, [layouts.layer(f"{seed}-{n}", size) for n in range(2)])
            layouts.write_layout(layout, "v1", made)
        for reference in references:
            programs.skopeo("copy", "--dest-tls-verify=false", f"oci:{layout}:v1", f"docker://{self.here(reference)}")
        return f"oci:{layout}:v1"

    def load(self, name: str, *, seed: str = "web", machine: str = HERE) -> None:
        """A small image into a machine's store, under this name."""
        archive = self.folder / f"{seed}.tar"
        self.lading("copy", self.image(seed=seed), f"archive:{archive}", machine=machine)
        self.lading("load", "-i", str(archive), "--as", name, machine=machine)

    def registry(self, *hosts: str, **options: object) -> programs.RunningRegistry:
        """A docker-registry of its own, which stands for these hosts."""
        started = programs.docker_registry(self.folder / hosts[0].replace("/", "-"), **options)  # type: ignore[arg-type]
        running = self.stack.enter_context(started)
        self.names |= dict.fromkeys(hosts, running.host)
        return running

    def service(self, machine: str = HERE, **settings: str) -> Service:
        """`lading serve` over a machine's usual data folder, with the user ann, who may do everything."""
        made = Service(self.data(machine), settings, self.port, self.registry_port)
        self.data(machine).mkdir(mode=0o700, parents=True, exist_ok=True)
        self.data(machine).mkdir(mode=0o700, parents=True, exist_ok=True)
        self.stack.enter_context(made.running())
        self.ann(machine)
        return made

    def ann(self, machine: str = HERE) -> None:
        """The user whom pages speak of, who may do everything."""
        self.lading("user", "add", "ann", "--role", "admin", "--password-stdin", machine=machine, stdin=PASSWORD)

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": f"{self._programs}:{os.environ['PATH']}",
            "TERM": "dumb",
            "LANG": "C.UTF-8",
            "LADING_PORT": str(self.port),
            "LADING_REGISTRY_PORT": str(self.registry_port),
            "LADING_PROGRESS": "none",
            **self.variables,
        }


def copied(source: Path, target: Path) -> None:
    """A file or folder of the checkout, as somebody has it who cloned it."""
    (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
