"""Archives as `docker save` writes them, in memory."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping, Sequence

from lading.oci.digest import Digest
from lading.wire.message import BytesReader, Reader
from tests.fakes.root_images import layer_tars


def docker_archive(names: Sequence[str], layers: Sequence[bytes] | None = None, *, label: str = "x") -> bytes:
    """One image under these names; `label` makes another of the same layers."""
    tars = layer_tars() if layers is None else layers
    config = {
        "architecture": "amd64",
        "os": "linux",
        "created": "2026-01-02T03:04:05Z",
        "config": {"Cmd": ["/bin/true"], "Env": ["A=b"], "Labels": {"label": label}},
        "rootfs": {"type": "layers", "diff_ids": [str(Digest.of(tar)) for tar in tars]},
        "history": [{"created": "2026-01-02T03:04:05Z", "created_by": f"step {number}"} for number in range(len(tars))],
    }
    raw = json.dumps(config).encode()
    config_name = f"{Digest.of(raw).encoded}.json"
    files = {config_name: raw} | {f"{number}/layer.tar": tar for number, tar in enumerate(tars)}
    entry = {"Config": config_name, "RepoTags": list(names), "Layers": [f"{n}/layer.tar" for n in range(len(tars))]}
    return _tar(files | {"manifest.json": json.dumps([entry]).encode()})


def _tar(files: Mapping[str, bytes]) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return held.getvalue()


def members(archive: bytes) -> dict[str, bytes]:
    """What a tar holds; raises where it is cut."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {each.name: (tar.extractfile(each) or io.BytesIO()).read() for each in tar if each.isfile()}


def reader(content: bytes) -> Reader:
    """To be read once."""
    return BytesReader(content)


def read_to_end(stream: Reader) -> bytes:
    """All of it."""
    whole, buffer = bytearray(), memoryview(bytearray(65536))
    while count := stream.readinto(buffer):
        whole += buffer[:count]
    return bytes(whole)
