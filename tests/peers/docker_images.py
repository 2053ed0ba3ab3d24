"""Images that a docker command can show everything of, put into a registry by skopeo: nothing of them is ours."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from tests.peers import layouts, programs

CREATED = "2026-01-02T03:04:05Z"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
USER, PASSWORD = "ann", "secret word"
SIZE = 200_000
"""Of a file in a layer, in bytes."""

RUNS: Mapping[str, object] = {
    "Env": ["PATH=/bin", "A=b"],
    "Entrypoint": ["/bin/start"],
    "Cmd": ["serve", "--all"],
    "WorkingDir": "/srv",
    "User": "1000:1000",
    "ExposedPorts": {"8080/tcp": {}},
    "Volumes": {"/data": {}},
    "Labels": {"org.example.team": "blue", "tier": "web"},
    "StopSignal": "SIGINT",
}
"""What the images say of running them."""


@dataclass(frozen=True)
class Images:
    """What the registry `host` holds: `app:1` and `app:2` share their first layer, `multi:1` is for two platforms.

    `locked` is an empty registry that wants the login of `USER`."""

    host: str
    locked: str

    def name(self, rest: str) -> str:
        """`app:1` as the docker command is given it."""
        return f"{self.host}/team/{rest}"

    def fresh(self) -> str:
        """A repository that nobody pushed to; `docker_command.told` calls all of them alike."""
        return self.name(f"fresh-{uuid4().hex[:8]}")


def fill(host: str, locked: str, folder: Path) -> Images:
    """Put all of them into the registry at host:port; `locked` is that of another."""
    folder.mkdir(parents=True, exist_ok=True)
    base = layouts.layer("base", SIZE)
    for tag, own in (("1", "one"), ("2", "two")):
        _push(
            folder / f"app-{tag}", _image(folder / f"app-{tag}", [base, layouts.layer(own, SIZE)]), host, f"app:{tag}"
        )
    multi = folder / "multi"
    children = [_image(multi, [layouts.layer(architecture, SIZE)], architecture) for architecture in ("amd64", "arm64")]
    index = {"schemaVersion": 2, "mediaType": layouts.INDEX, "manifests": children}
    root = {"mediaType": layouts.INDEX} | layouts.write_blob(multi, json.dumps(index).encode())
    _push(multi, root, host, "multi:1")
    return Images(host, locked)


def _image(folder: Path, layers: Sequence[tuple[bytes, str]], architecture: str = "amd64") -> dict[str, object]:
    config = {
        "created": CREATED,
        "author": "somebody",
        "os": "linux",
        "architecture": architecture,
        "config": RUNS,
        "rootfs": {"type": "layers", "diff_ids": [diff_id for _, diff_id in layers]},
        "history": [
            *({"created": CREATED, "created_by": f"COPY file{at} /"} for at in range(len(layers))),
            {"created": CREATED, "created_by": 'CMD ["serve"]', "comment": "says what runs", "empty_layer": True},
        ],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": layouts.MANIFEST,
        "config": {"mediaType": CONFIG} | layouts.write_blob(folder, json.dumps(config).encode()),
        "layers": [{"mediaType": LAYER} | layouts.write_blob(folder, content) for content, _ in layers],
    }
    platform = {"os": "linux", "architecture": architecture}
    return (
        {"mediaType": layouts.MANIFEST}
        | layouts.write_blob(folder, json.dumps(manifest).encode())
        | {"platform": platform}
    )


def _push(folder: Path, root: dict[str, object], host: str, name: str) -> None:
    layouts.write_layout(folder, "it", root)
    programs.skopeo("copy", "--all", "--dest-tls-verify=false", f"oci:{folder}:it", f"docker://{host}/team/{name}")
