"""The configurations of the page about proxies, with names and ports exchanged."""

from __future__ import annotations

import re
from pathlib import Path

from tests.fakes.certificates import Certificate
from tests.peers.service_process import Service

DOCUMENT = Path(__file__).parents[2] / "docs/how-to/proxies.md"


def configured(name: str, issued: Certificate, folder: Path, service: Service, port: int, *, number: int = 0) -> str:
    """The document's own text for this proxy, for here; of several, the one of this number."""
    blocks: list[str] = re.findall(rf"```{name}\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    text = blocks[number]
    both = folder / "both.pem"
    both.write_bytes(issued.certificate.read_bytes() + issued.key.read_bytes())
    for there, here in (
        ("lading.corp {", f"https://localhost:{port} {{"),
        ("lading.corp", "localhost"),
        ("server_name corp", "server_name localhost"),
        ("/etc/ssl/corp", "/etc/ssl/lading"),
        ("listen 443", f"listen 127.0.0.1:{port}"),
        ("bind :443", f"bind 127.0.0.1:{port}"),
        ("/etc/ssl/lading-with-key.pem", str(both)),
        ("/etc/ssl/lading.pem", str(issued.certificate)),
        ("/etc/ssl/lading.key", str(issued.key)),
        ("127.0.0.1:5000", f"127.0.0.1:{service.registry_port}"),
        ("127.0.0.1:3000", f"127.0.0.1:{service.port}"),
    ):
        text = text.replace(there, here)
    return text
