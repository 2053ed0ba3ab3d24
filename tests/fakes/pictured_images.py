"""Images as people have them, for pictures: shared layers, the steps that made them, packages with known faults."""

from __future__ import annotations

import hashlib
import io
import json
import random
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from tests.fakes.advisory_files import Record, advisory

SITE = "usr/local/lib/python3.12/site-packages"
MEGA = 1_000_000


@dataclass(frozen=True)
class Step:
    """A layer: the command that made it, its bytes, and the Python packages that it brings."""

    command: str
    size: int
    packages: tuple[tuple[str, str], ...] = ()


DEBIAN = Step("ADD rootfs.tar.xz / # debian:bookworm-slim", 24 * MEGA)
PYTHON = Step("RUN apt-get install -y python3.12 # python:3.12-slim", 13 * MEGA, (("setuptools", "65.5.0"),))
NODE = Step("RUN apt-get install -y nodejs # node:22-slim", 31 * MEGA)
OLD = (
    ("certifi", "2023.5.7"),
    ("click", "8.1.3"),
    ("gunicorn", "21.2.0"),
    ("jinja2", "3.1.2"),
    ("pillow", "9.5.0"),
    ("requests", "2.30.0"),
    ("urllib3", "1.26.15"),
    ("werkzeug", "2.2.2"),
)
NEW = {"pillow": "10.4.0", "gunicorn": "22.0.0", "certifi": "2024.7.4", "werkzeug": "2.3.8"}
NEEDED = Step("RUN pip install -r requirements.txt", 19 * MEGA, OLD)
RENEWED = Step(
    "RUN pip install -U -r requirements.txt", 21 * MEGA, tuple((each, NEW.get(each, at)) for each, at in OLD)
)

IMAGES: Mapping[str, Sequence[Step]] = {
    "team/base:12": (DEBIAN, PYTHON),
    "team/web:1.2": (DEBIAN, PYTHON, NEEDED, Step("COPY . /app # 1.2", 2 * MEGA)),
    "team/web:1.3": (DEBIAN, PYTHON, NEEDED, Step("COPY . /app # 1.3", 2 * MEGA)),
    "team/web:1.4": (DEBIAN, PYTHON, RENEWED, Step("COPY . /app # 1.4", 3 * MEGA)),
    "team/worker:0.9": (DEBIAN, PYTHON, Step("COPY worker /app", 5 * MEGA)),
    "team/shop:2.0": (DEBIAN, NODE, Step("RUN npm ci", 47 * MEGA), Step("COPY . /srv", 6 * MEGA)),
}

ADVISORIES: Sequence[Record] = tuple(
    advisory(
        name,
        package,
        fixed=fixed,
        database_specific={"severity": severity},
        published=f"{when}T00:00:00Z",
        summary=about,
    )
    for name, package, fixed, severity, when, about in (
        ("CVE-2023-50447", "pillow", "10.2.0", "CRITICAL", "2024-01-19", "ImageMath.eval runs code of its environment"),
        ("CVE-2023-4863", "pillow", "10.0.1", "HIGH", "2023-09-12", "libwebp writes beyond a buffer"),
        ("CVE-2024-1135", "gunicorn", "22.0.0", "HIGH", "2024-04-16", "Requests are smuggled by Transfer-Encoding"),
        ("CVE-2023-25577", "werkzeug", "2.2.3", "HIGH", "2023-02-14", "Forms of many parts take all memory"),
        ("CVE-2023-37920", "certifi", "2023.7.22", "HIGH", "2023-07-25", "e-Tugra root certificates are trusted"),
        ("CVE-2024-22195", "jinja2", "3.1.3", "MODERATE", "2024-01-11", "The filter xmlattr takes keys with spaces"),
        ("CVE-2023-43804", "urllib3", "1.26.17", "MODERATE", "2023-10-02", "Cookies go along to another host"),
        (
            "CVE-2023-32681",
            "requests",
            "2.31.0",
            "MODERATE",
            "2023-05-22",
            "Proxy-Authorization leaks to the host asked",
        ),
        ("CVE-2022-40897", "setuptools", "65.5.1", "MODERATE", "2022-12-23", "A page of an index takes all time"),
    )
)
"""Some of what is publicly known of those versions, for a server that fetches nothing."""


def archive(name: str) -> bytes:
    """One of IMAGES, as `docker save` writes it."""
    steps = IMAGES[name]
    tars = [_layer(step) for step in steps]
    made = [f"2026-11-{20 - len(steps) + number:02}T09:{number:02}:00Z" for number in range(len(steps))]
    config = {
        "architecture": "amd64",
        "os": "linux",
        "created": made[-1],
        "config": {
            "Cmd": ["gunicorn", "app:main"],
            "Env": ["PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8"],
            "ExposedPorts": {"8000/tcp": {}},
            "WorkingDir": "/app",
            "User": "10001",
            "Labels": {"org.opencontainers.image.source": "https://git.example/team/web"},
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(tar).hexdigest()}" for tar in tars]},
        "history": [{"created": when, "created_by": step.command} for when, step in zip(made, steps, strict=True)],
    }
    raw = json.dumps(config).encode()
    named = f"{hashlib.sha256(raw).hexdigest()}.json"
    layers = {f"{number}/layer.tar": tar for number, tar in enumerate(tars)}
    entry = {"Config": named, "RepoTags": [name], "Layers": list(layers)}
    return _tar({named: raw, **layers, "manifest.json": json.dumps([entry]).encode()})


@lru_cache
def _layer(step: Step) -> bytes:
    """The same for the same step; its bytes do not compress."""
    files = {
        f"opt/{hashlib.sha256(step.command.encode()).hexdigest()[:8]}": random.Random(step.command).randbytes(step.size)
    }
    for name, version in step.packages:
        text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        files[f"{SITE}/{name}-{version}.dist-info/METADATA"] = text.encode()
    return _tar(files)


def _tar(files: Mapping[str, bytes]) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return held.getvalue()
