"""The web app as it was built, in memory: one page for every path that shows it, and the files which that page loads.

web/
├── index.html            the page; `<base href>` is where it is told what its paths begin with
├── …                     files that keep their name: asked for again after an hour
└── assets/name-HASH.js   named by what is in them, so that a browser never asks again; beside it name-HASH.js.gz
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath

from starlette.requests import Request
from starlette.responses import Response

from lading.fronts.rest_api.sub_path import base_of

PAGE, ASSETS = "index.html", "assets/"
BASE = '<base href="/"'
"""How the page says where it lives, as it was built."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'self'; frame-ancestors 'none'"
)

_KINDS = {
    ".css": "text/css",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
_OTHER = "application/octet-stream"
_FOREVER, _HOUR = "max-age=31536000, immutable", "max-age=3600"


@dataclass(frozen=True, slots=True)
class BuiltFile:
    """Its content, and the same compressed by gzip where that is smaller."""

    content: bytes
    kind: str
    keeps: str
    compressed: bytes | None

    def answer(self, request: Request) -> Response:
        """In the form that the browser takes."""
        fields = {"Cache-Control": self.keeps, "Vary": "Accept-Encoding"}
        if self.compressed is not None and _takes_gzip(request.headers.get("accept-encoding", "")):
            return Response(self.compressed, headers=fields | {"Content-Encoding": "gzip"}, media_type=self.kind)
        return Response(self.content, headers=fields, media_type=self.kind)


@dataclass(frozen=True, slots=True)
class WebApp:
    """What `ui/` becomes."""

    before: str
    after: str
    files: Mapping[str, BuiltFile]

    @classmethod
    def of(cls, folder: Traversable) -> WebApp | None:
        """What is in this folder; None where it was not built."""
        page = folder.joinpath(PAGE)
        if not page.is_file():
            return None
        before, base, after = page.read_text("utf-8").partition(BASE)
        assert base, f"{page} has no {BASE}"
        read = {path: file.read_bytes() for path, file in _within(folder, "") if path != PAGE}
        named = {path: _built(path, content, read.get(f"{path}.gz")) for path, content in read.items()}
        return cls(before, after, {path: file for path, file in named.items() if not path.endswith(".gz")})

    def page(self, request: Request) -> Response:
        """The app, which finds out from the address what it shows."""
        text = f'{self.before}<base href="{escape(base_of(request))}/"{self.after}'
        fields = {"Cache-Control": "no-cache", "Content-Security-Policy": POLICY}
        return Response(text, headers=fields, media_type="text/html")

    def file(self, request: Request) -> Response | None:
        """What the request's path names, if that is a file of the app's."""
        found = self.files.get(request.scope["path"].removeprefix("/"))
        return None if found is None else found.answer(request)


def _built(path: str, content: bytes, compressed: bytes | None) -> BuiltFile:
    kind = _KINDS.get(PurePosixPath(path).suffix, _OTHER)
    smaller = compressed if compressed is not None and len(compressed) < len(content) else None
    return BuiltFile(content, kind, _FOREVER if path.startswith(ASSETS) else _HOUR, smaller)


def _within(folder: Traversable, path: str) -> Iterator[tuple[str, Traversable]]:
    for each in folder.iterdir():
        if each.is_dir():
            yield from _within(each, f"{path}{each.name}/")
        else:
            yield f"{path}{each.name}", each


def _takes_gzip(accepted: str) -> bool:
    """Whether a field Accept-Encoding names it, and not with the weight 0 (RFC 9110, 12.5.3)."""
    for each in accepted.lower().split(","):
        coding, _, weight = each.partition(";")
        if coding.strip() in {"gzip", "*"}:
            return weight.replace(" ", "").rstrip("0.") != "q="
    return False
