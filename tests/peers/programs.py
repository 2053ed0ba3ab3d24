"""The real programs that Lading is held against: found, started on free ports, stopped by their own process id.

Whoever starts one gets a value to ask; nothing here knows a test. Debian's package names are in `.ci/peers`.
"""

from __future__ import annotations

import base64
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError

START_SECONDS = 60.0
SBIN = ("/usr/sbin", "/sbin", "/usr/local/sbin")


def find(program: str) -> str | None:
    """Where the program is; Debian keeps servers where not everybody's PATH goes."""
    folders = (
        *SBIN,
        *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)),
        str(Path(sys.executable).parent),  # what the tests' own packages bring
    )
    found = shutil.which(program) or next(
        (f"{folder}/{program}" for folder in folders if Path(folder, program).exists()), None
    )
    return f"/usr/bin/{program}" if program == "docker" and Path("/usr/bin/docker").exists() else found


def free_port() -> int:
    """A port of loopback that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run(*command: str, input: bytes | None = None, timeout: float = 300) -> str:  # noqa: A002 - subprocess's word
    """Run a program to its end and give its output; its error output is in the exception where it fails."""
    done = subprocess.run(command, input=input, capture_output=True, timeout=timeout, check=False)
    if done.returncode:
        raise AssertionError(f"{' '.join(command)} exited {done.returncode}:\n{done.stderr.decode(errors='replace')}")
    return done.stdout.decode()


@contextlib.contextmanager
def process(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A child that ends with the block: asked first, killed after a minute. Its output goes to `log`."""
    with log.open("wb") as output:
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        try:
            yield child
        finally:
            child.terminate()
            try:
                child.wait(60)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def wait_for_port(port: int, child: subprocess.Popen[bytes], log: Path, address: str = "127.0.0.1") -> None:
    """Until somebody answers; the child's log is in the exception where it ends before."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if child.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection((address, port), 1) as connected:
            if connected.getsockname() != connected.getpeername():  # not to itself, as it may where nobody listens yet
                return
        select_nothing(0.02)
    raise AssertionError(f"{child.args!r} did not listen on port {port}:\n{log.read_text(errors='replace')[-2000:]}")


def own_address() -> str | None:
    """An address of this machine that is not loopback's, None where it has none: nothing leaves the machine."""
    found = re.findall(r"inet (\S+)/", run("ip", "-4", "-o", "address", "show", "scope", "global", "up"))
    return found[0] if found else None


def files_below(folder: Path) -> Iterator[tuple[Path, int]]:
    """Every file and its size, in a folder where a running program makes and removes what it likes meanwhile."""
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                yield Path(place, name), Path(place, name).lstat().st_size


def contents_below(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """As `files_below`: what is in each regular file."""
    for path, _ in files_below(folder):
        with contextlib.suppress(FileNotFoundError):
            if path.is_file():
                yield path, path.read_bytes()


def select_nothing(seconds: float) -> None:
    """Let another process run before looking again."""
    time.sleep(seconds)


@dataclass(frozen=True)
class Asked:
    """One line of a registry's access log."""

    method: str
    path: str
    status: int


ACCESS = re.compile(r'"(?P<method>[A-Z]+) (?P<path>\S+) HTTP/1\.1" (?P<status>\d+) ')


@dataclass(frozen=True)
class RunningRegistry:
    """A docker-registry that is up: `host` is 127.0.0.1:port as references spell it."""

    host: str
    log: Path
    root: Path
    scheme: str = "http"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    process: int = 0

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """It takes connections and answers nobody, until the block ends."""
        os.kill(self.process, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.process, signal.SIGCONT)

    def asked(self) -> list[Asked]:
        """Every request it has answered so far, oldest first, without our own looking whether it is up."""
        lines = (ACCESS.search(line) for line in self.log.read_text(errors="replace").splitlines())
        return [Asked(line["method"], line["path"], int(line["status"])) for line in lines if line]


@contextlib.contextmanager
def docker_registry(
    folder: Path,
    *,
    htpasswd: tuple[str, str] | None = None,
    tls: tuple[Path, Path] | None = None,
    client_ca: Path | None = None,
    token: str | None = None,
    storage: Path | None = None,
    driver: str | None = None,
    address: str = "127.0.0.1",
    port: int | None = None,
) -> Iterator[RunningRegistry]:
    """Debian's docker-registry on a free port, with deletes allowed; `folder` holds its configuration and log.

    `tls` is certificate and key, `token` ready YAML for `auth: token:`, `driver` what stands below `storage:` in place
    of the folder.
    """
    program = find("docker-registry")
    assert program, "docker-registry is not installed"
    folder.mkdir(parents=True, exist_ok=True)
    port, root, log = port or free_port(), storage or folder / "storage", folder / "registry.log"
    lines = [
        "version: 0.1",
        "log: {level: warn, accesslog: {disabled: false}}",
        f"storage: {{{driver or f'filesystem: {{rootdirectory: {root}}}'}, delete: {{enabled: true}}}}",
        "http:",
        f"  addr: {address}:{port}",
        "  secret: only-for-tests",
    ]
    if tls:
        lines += ["  tls:", f"    certificate: {tls[0]}", f"    key: {tls[1]}"]
        if client_ca:
            lines += [f"    clientcas: [{client_ca}]"]
    if htpasswd:
        file = folder / "htpasswd"
        file.write_text(run("htpasswd", "-nbB", *htpasswd))
        lines += [f"auth: {{htpasswd: {{realm: tests, path: {file}}}}}"]
    if token:
        lines += ["auth:", "  token:", *(f"    {line}" for line in token.splitlines())]
    configuration = folder / "registry.yml"
    configuration.write_text("\n".join(lines) + "\n")
    with process([program, "serve", str(configuration)], log) as child:
        wait_for_port(port, child, log, address)
        scheme, (name, password) = "https" if tls else "http", htpasswd or (None, None)
        yield RunningRegistry(f"{address}:{port}", log, root, scheme, name, password, child.pid)


@contextlib.contextmanager
def nginx(folder: Path, http: str, port: int) -> Iterator[None]:
    """nginx with this inside its `http { … }`, one of whose servers listens on `port`."""
    program = find("nginx")
    assert program, "nginx is not installed"
    folder.mkdir(parents=True, exist_ok=True)
    log, configuration = folder / "nginx.log", folder / "nginx.conf"
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "\n".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    configuration.write_text(
        f"daemon off; pid {folder}/pid; error_log stderr; worker_processes 1; events {{}}\n"
        f"http {{\naccess_log off; client_max_body_size 0;\n{places}\n{http}\n}}\n"
    )
    with process([program, "-p", str(folder), "-e", "stderr", "-c", str(configuration)], log) as child:
        wait_for_port(port, child, log)
        yield


@dataclass(frozen=True)
class RunningDocker:
    """A Docker engine that is up, to be asked through Debian's own docker command."""

    socket: Path

    def __call__(self, *arguments: str, input: bytes | None = None) -> str:  # noqa: A002 - subprocess's word
        """Run `docker …` against it and give its output."""
        program = find("docker")
        assert program
        return run(program, "-H", f"unix://{self.socket}", *arguments, input=input)


@contextlib.contextmanager
def docker_engine(
    folder: Path, options: Sequence[str] = (), *, within: Sequence[str] = (), **environment: str
) -> Iterator[RunningDocker]:
    """dockerd with a data root of its own, no network rules, no bridge; `within` is a command that runs another. Needs
    root.

    Its sockets have a short folder of their own: containerd refuses a socket path of more than 106 bytes, and dockerd
    then says no more than that it timed out.
    """
    program = find("dockerd")
    assert program, "dockerd is not installed"
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "dockerd.log"
    with tempfile.TemporaryDirectory(prefix="dockerd-", ignore_cleanup_errors=True) as short:
        socket_path = Path(short, "docker.sock")
        command = [
            program,
            f"--data-root={folder / 'root'}",
            f"--exec-root={short}/exec",
            f"--host=unix://{socket_path}",
            "--iptables=false",
            "--bridge=none",
            f"--pidfile={folder / 'pid'}",
            *options,
        ]
        if environment:
            command = ["env", *(f"{name}={value}" for name, value in environment.items()), *command]
        with process([*within, *command], log) as child:
            deadline = time.monotonic() + START_SECONDS
            while not _answers(socket_path):
                if child.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(f"dockerd did not start:\n{log.read_text(errors='replace')[-3000:]}")
                select_nothing(0.05)
            yield RunningDocker(socket_path)


def _answers(socket_path: Path) -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(2)
        asking.connect(str(socket_path))
        asking.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
        return b" 200 " in asking.recv(64)
    return False


def skopeo(*arguments: str, cold: bool = False) -> str:
    """Run skopeo without verification of TLS or signatures; `cold` gives it an empty blob-info cache.

    For root the cache is in /var/lib/containers/cache whatever HOME says, so a cold run gets a mount of its own there.
    """
    program = find("skopeo")
    assert program, "skopeo is not installed"
    if not cold:
        return run(program, *arguments)
    cache = "/var/lib/containers/cache"
    Path(cache).mkdir(parents=True, exist_ok=True)
    inner = f'mount -t tmpfs none {cache} && exec "$0" "$@"'
    return run("unshare", "--mount", "sh", "-c", inner, program, *arguments)


DEBIAN_PYTHON = ("python3-jinja2", "python3-urllib3")
"""What the Debian of the tests has besides what is needed: packages of Python's in the distribution's own form."""


def debian_root_file_system(folder: Path) -> Path:
    """A tar of a small Debian with DEBIAN_PYTHON, made by debootstrap (root needed, half a minute)."""
    program = find("debootstrap")
    assert program, "debootstrap is not installed"
    root, tar = folder / "root", folder / "debian.tar"
    included = f"--include={','.join(DEBIAN_PYTHON)}"
    run(program, "--variant=minbase", included, "bookworm", str(root), timeout=900)
    run("tar", "--sort=name", "--numeric-owner", "-C", str(root), "-cf", str(tar), ".")
    shutil.rmtree(root)
    return tar


def get(registry: RunningRegistry, path: str, accept: str = "*/*") -> tuple[bytes, dict[str, str]]:
    """What a plain GET of the registry answers, read by the standard library: the judge in peer tests."""
    request = urllib.request.Request(f"{registry.scheme}://{registry.host}{path}", headers={"Accept": accept})
    if registry.username is not None:
        login = base64.b64encode(f"{registry.username}:{registry.password}".encode()).decode()
        request.add_header("Authorization", f"Basic {login}")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read(), {name.lower(): value for name, value in answer.headers.items()}
    except URLError as error:
        raise AssertionError(f"GET {path} at {registry.host}: {error}") from error
