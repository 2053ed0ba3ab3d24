"""The program with all its backends, in this process, on loopback and in a temporary folder."""

from __future__ import annotations

import hashlib
import io
import json
import socket
import subprocess
import sys
import tarfile
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lading.fronts.cli.console import Streams
from lading.fronts.cli.program import run
from lading.main.wired import Wired
from lading.oci.archive import REF_NAME
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.image_config import ImageConfig
from lading.oci.manifest import Index, Manifest
from lading.oci.media_types import OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST
from lading.oci.platform import Platform
from lading.services.embedded.samples import sample_archive


class Program:
    """`lading` with a home and a data folder of its own."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.environment: Mapping[str, str] = {"HOME": str(folder / "home"), "PATH": "/usr/bin:/bin", **environment}

    def __call__(self, *arguments: str, data: str = "data") -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""
        out, err = io.StringIO(), io.StringIO()
        start: Callable[[Mapping[str, object]], Wired] = partial(Wired.start, self.environment)
        flags = ["--data", str(self.folder / data), *arguments]
        return run(start, flags, Streams(io.BytesIO(), out, err), self.environment), out.getvalue(), err.getvalue()

    def ok(self, *arguments: str, data: str = "data") -> str:
        """Standard output of what must go well."""
        code, out, err = self(*arguments, data=data)
        assert code == 0, err
        return out

    def json(self, *arguments: str) -> Any:
        return json.loads(self.ok(*arguments, "--format", "json"))


@pytest.fixture
def program(tmp_path: Path) -> Program:
    for name in ("hello", "world"):
        (tmp_path / f"{name}.tar").write_bytes(sample_archive(f"demo/{name}:1", name, Platform("linux", "amd64")))
    return Program(tmp_path)


def test_the_demo_runs_and_proves_itself(program: Program, tmp_path: Path) -> None:
    code, out, err = program("demo")

    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert len(lines) == 16
    assert "proves   one digest on three sides" in lines[9]
    assert "scans    demo/hello:1, DEMO-2026-1 (high) in lading-demo-greeter, fixed in 1.1" in lines[10]
    assert "scans    demo/world:1, no known vulnerabilities in 1 of 1 packages" in lines[11]
    assert "signs    team/world:stable, digest, tag and time, with key " in lines[12]
    assert "verifies team/world:stable, signed by the laptop; demo/hello:1, which nobody signed, is" in lines[13]
    assert not Path(lines[0].rpartition(" ")[2]).exists()
    assert not (tmp_path / "data").exists()


def test_an_archive_becomes_a_layout_and_an_archive_again(program: Program, tmp_path: Path) -> None:
    there = program.json("copy", f"archive:{tmp_path}/hello.tar", f"oci:{tmp_path}/D")
    back = program.json("copy", f"oci:{tmp_path}/D", f"archive:{tmp_path}/back.tar")

    assert there["digest"] == back["digest"]
    assert program.ok("digest", f"archive:{tmp_path}/back.tar").strip() == back["digest"]
    assert not (tmp_path / "data" / "lading.db").exists(), "the local store is not touched"


def test_the_number_of_lanes_may_be_said(program: Program, tmp_path: Path) -> None:
    program.ok("copy", f"archive:{tmp_path}/hello.tar", f"oci:{tmp_path}/D", "--lanes", "2")

    code, _, err = Program(tmp_path, LADING_LANES="2")("load", f"{tmp_path}/hello.tar")

    assert code == 0, err


def test_images_are_loaded_shared_tagged_saved_and_removed(program: Program, tmp_path: Path) -> None:
    program.ok("load", f"{tmp_path}/hello.tar")
    second = program.json("load", f"{tmp_path}/world.tar")
    program.ok("tag", "demo/hello:1", "mine:2")

    assert second["totals"]["exists"] > 3_000_000
    assert [image["reference"] for image in program.json("images")] == [
        "docker.io/demo/hello:1",
        "docker.io/demo/world:1",
        "docker.io/library/mine:2",
    ]
    program.ok("save", "demo/hello:1", "demo/world:1", "-o", f"{tmp_path}/both.tar")
    for name in ("demo/hello:1", "demo/world:1"):
        program.ok("rmi", name)
    assert program.json("rmi", "mine:2")["bytes"] > 3_000_000
    assert program.json("images") == []
    assert list((tmp_path / "data/content/blobs/sha256").iterdir()) == []
    assert len(program.json("load", f"{tmp_path}/both.tar")) == 2


def test_history_inspect_and_diff_read_real_images(program: Program, tmp_path: Path) -> None:
    for name in ("hello", "world"):
        program.ok("load", f"{tmp_path}/{name}.tar")

    found = program.json("diff", "demo/hello:1", "demo/world:1")

    assert {key: len(layers) for key, layers in found["layers"].items()} == {"same": 1, "added": 1, "removed": 1}
    assert (found["packages"], found["findings"]) == (None, None)  # nobody looked
    assert [step["step"] for step in program.json("history", "demo/hello:1")] == ["COPY hello /app", "COPY base /"]
    assert program.json("inspect", "demo/hello:1")["platforms"][0]["platform"] == "linux/amd64"


@pytest.mark.parametrize("command", [["images"], ["import", "-", "root:1"], ["doctor"], ["serve", "--no-auth"]])
def test_a_data_folder_that_cannot_be_one_is_no_defect(program: Program, tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "file").touch()

    code, out, err = program(*command, data="file/folder")

    assert code == 1
    assert "file/folder" in out + err
    assert "defect" not in err


def test_a_tar_that_holds_no_image_leads_to_import(program: Program, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "root.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("etc/hostname"))

    code, _, err = program("load", f"{tmp_path}/root.tar")

    assert code == 1
    assert "lading import FILE NAME[:TAG]" in err


def test_the_same_root_file_system_is_the_same_image(program: Program, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "root.tar", "w") as tar:
        member = tarfile.TarInfo("etc/hostname")
        member.size = 4
        tar.addfile(member, io.BytesIO(b"demo"))

    first = program.json("import", f"{tmp_path}/root.tar", "root:1")
    second = program.json("import", f"{tmp_path}/root.tar", "root:2")

    assert first["digest"] == second["digest"]


def test_the_content_folder_is_checked_content(program: Program, tmp_path: Path) -> None:
    program.ok("load", f"{tmp_path}/hello.tar")

    blobs = list((tmp_path / "data/content/blobs/sha256").iterdir())

    assert len(blobs) == 4
    assert all(hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name for blob in blobs)


def test_a_push_to_our_own_registry_and_back(program: Program, tmp_path: Path) -> None:
    served = Wired.start(program.environment, {"data": str(tmp_path / "served"), "registry-port": 0})
    program.ok("load", f"{tmp_path}/hello.tar")
    with served.open_registry() as registry:
        host = registry.address
        pushed = program.json("push", "demo/hello:1", f"{host}/a/hello:1", f"{host}/a/hello:2")
        again = program.json("push", "demo/hello:1", f"{host}/a/hello:1")
        elsewhere = program.json("push", "demo/hello:1", f"{host}/b/hello:1")
        pulled = program.ok("-q", "pull", f"{host}/a/hello:1", data="other")
        listed = program.ok("ls", f"{host}/a/hello"), program.ok("ls", host)
        code, _, err = program("pull", f"{host}/a/hello:9")
    served.close()

    assert pushed["references"] == [f"{host}/a/hello:{tag}@{pushed['digest']}" for tag in (1, 2)]
    assert again["totals"]["sent"] == 0
    assert elsewhere["totals"]["mounted"] > 3_000_000
    assert Digest.parse(pulled.strip().partition("@")[2]) == Digest.parse(pushed["digest"])
    assert listed == ("1\n2\n", "a/hello\nb/hello\n")
    assert code == 5
    assert f"{host}/a/hello:9 does not exist" in err


def test_a_pull_takes_the_platform_that_docker_is_told_to_take_and_a_push_does_not_look_at_it(
    program: Program, tmp_path: Path
) -> None:
    platforms = [Platform("linux", name) for name in ("amd64", "arm64", "s390x")]
    put_layout(tmp_path / "D", platforms)
    served = Wired.start(program.environment, {"data": str(tmp_path / "served"), "registry-port": 0})
    elsewhere = Program(tmp_path, DOCKER_DEFAULT_PLATFORM="linux/s390x")
    with served.open_registry() as registry:
        name = f"{registry.address}/app:1"
        pushed = program.json("copy", f"oci:{tmp_path}/D", name)
        pulled = elsewhere.json("pull", name)
        image = elsewhere.json("inspect", name)
        alone = elsewhere.json("push", name, f"{registry.address}/alone:1")
        elsewhere.ok("pull", name, "--platform", "linux/arm64")
        code, _, err = elsewhere("push", name, f"{registry.address}/two:1")
        have = elsewhere.json("push", name, f"{registry.address}/two:1", "--platform", "have")
    served.close()

    assert pulled["digest"] == pushed["digest"]
    assert pulled["platforms"] == "1 of 3 platforms (linux/s390x)"
    assert [each["complete"] for each in image["platforms"]] == [False, False, True]
    assert alone["platforms"] == "linux/s390x, the only one here of 3 platforms, as a manifest of its own"
    assert code == 6
    assert "Image has 2 of 3 platforms here. Use platform=have, or pull the rest." in err
    assert have["digest"] not in {pushed["digest"], alone["digest"]}


def put_layout(folder: Path, platforms: list[Platform]) -> None:
    """An OCI layout with one image for each of these."""
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)

    def put(content: bytes, media_type: str) -> Descriptor:
        digest = Digest.of(content)
        (blobs / digest.encoded).write_bytes(content)
        return Descriptor(media_type, digest, len(content))

    children = []
    for platform in platforms:
        layer = put(f"layer of {platform}".encode(), OCI_LAYER)
        config = put(ImageConfig.build(platform, None, [layer.digest], []).raw, OCI_CONFIG)
        manifest = put(Manifest.build(config, [layer]).raw, OCI_MANIFEST)
        children.append(replace(manifest, platform=platform))
    root = replace(put(Index.build(children).raw, OCI_INDEX), annotations={REF_NAME: "1"})
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (folder / "index.json").write_bytes(Index.build([root]).raw)


def test_settings_come_from_files_and_a_wrong_key_is_refused(program: Program, tmp_path: Path) -> None:
    folder = tmp_path / "home/.config/lading"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text('lanes = 2\n[registry."a.test"]\ntls = "http"\n')

    shown = {each["name"]: each for each in program.json("config", "show")}
    (folder / "config.toml").write_text("lane = 2\n")
    code, _, err = program("config", "validate")

    assert (shown["lanes"]["value"], shown["lanes"]["origin"]) == ("2", str(folder / "config.toml"))
    assert code == 2
    assert "Did you mean lanes?" in err


def test_a_settings_folder_that_cannot_be_looked_into_is_named(tmp_path: Path) -> None:
    code, _, err = Program(tmp_path, XDG_CONFIG_HOME=f"/{'x' * 300}")("images")

    assert code == 1
    assert err.startswith(f"error: cannot read /{'x' * 300}/lading/config.toml: File name too long\n")


def test_doctor_looks_at_this_machine(program: Program) -> None:
    (program.folder / "data").mkdir()
    code, out, _ = program("doctor", "127.0.0.1:1")

    lines = {line.split()[1]: line for line in out.splitlines()}
    assert code == 1
    assert lines["data"].startswith("ok")
    assert lines["127.0.0.1:1"].startswith("FAIL")
    assert "→" in lines["127.0.0.1:1"]


def test_doctor_knows_the_registry_that_lading_serves(program: Program, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        taken = doctored(program, port)
    flags = {"data": str(tmp_path / "served"), "registry-port": port}
    with closing(Wired.start(program.environment, flags)) as wired, wired.open_registry():
        ours = doctored(program, port)

    assert taken == f"FAIL  port     {port} is in use by another program  →  ss -ltnp 'sport = :{port}'"
    assert ours == f"ok    port     {port} is served by Lading: lading serve runs"


def doctored(program: Program, port: int) -> str:
    """What doctor says of the port that the settings ask for."""
    program.environment = {**program.environment, "LADING_REGISTRY_PORT": str(port)}
    _, out, _ = program("doctor")
    return next(line for line in out.splitlines() if line.split()[1] == "port")


HEAVY_FOR_CLIENTS = ("sqlalchemy", "alembic", "httptools", "lading.fronts.http", "lading.fronts.registry_api", "rich")


def test_client_commands_import_no_server_and_no_sqlalchemy(program: Program, tmp_path: Path) -> None:
    code = f"""
import io, sys
from lading.fronts.cli.console import Streams
from lading.fronts.cli.program import run
from lading.main.wired import Wired
from functools import partial
environment = {dict(program.environment)!r}
for arguments in (["load", "{tmp_path}/hello.tar"], ["images"], ["rmi", "demo/hello:1"], ["gc"]):
    streams = Streams(io.BytesIO(), io.StringIO(), io.StringIO())
    assert run(partial(Wired.start, environment), ["--data", "{tmp_path}/data", *arguments], streams, environment) == 0
print(*sys.modules)
"""
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(process.stdout.split())
    assert not {name for name in loaded if name.startswith(HEAVY_FOR_CLIENTS)}
