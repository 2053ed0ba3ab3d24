"""A registry and a trust server on loopback, and somebody who has the keys."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.main.wired import Wired
from lading.proof.tuf_key_files import NotaryKey
from lading.proof.tuf_keys import SigningKey
from tests.fakes.certificates import Authority, Certificate
from tests.fakes.service_folder import ServiceFolder
from tests.fakes.trust_http import TrustService, listening
from tests.fakes.trust_repository import SERVER, TrustServer, private
from tests.fronts.cli.trust.trust_places import PASSPHRASE, Place, Registry
from tests.peers import layouts


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    folder = tmp_path_factory.mktemp("trust")
    (folder / "data").mkdir()
    lading, layout = ServiceFolder(folder / "data"), folder / "layout"
    application = Wired.start({}, {"data": str(folder / "served"), "registry-port": 0})
    try:
        with application.open_registry() as served:
            for tag in ("1", "2"):
                layouts.write_layout(layout, tag, layouts.write_image(layout, [layouts.layer(tag, 1000)]))
                lading("copy", f"oci:{layout}:{tag}", f"{served.address}/team/app:{tag}")
            yield Registry(served.address)
    finally:
        application.close()


@pytest.fixture
def place(registry: Registry, tmp_path: Path) -> Iterator[Place]:
    (tmp_path / "data").mkdir()
    service, authority = TrustService(TrustServer(registry.app, SERVER), time.time()), Authority(tmp_path)
    with listening(service, authority.context(authority.server("localhost"))) as address:
        variables = {
            "LADING_TRUST_PASSPHRASE": PASSPHRASE,
            "LADING_TRUST_SERVER": address,
            "LADING_TLS_CA": str(authority.certificate),
        }
        _keep(tmp_path / "data", registry.app)
        yield Place(ServiceFolder(tmp_path / "data", variables), registry.app, service, tmp_path)


def _keep(data: Path, gun: str) -> None:
    """The owner's two keys, in files that are opened in no time."""
    folder = data / "trust" / "private"
    folder.mkdir(mode=0o700, parents=True)
    for key in (NotaryKey(private("root"), "root", None), NotaryKey(private("owner"), "targets", gun)):
        file = folder / f"{SigningKey(key.private).key.id}.key"
        file.write_bytes(key.pem(PASSPHRASE, secrets.token_bytes, iterations=128))
        file.chmod(0o600)


@pytest.fixture
def lading(place: Place) -> ServiceFolder:
    return place.lading


@pytest.fixture
def alice(tmp_path: Path) -> Certificate:
    """What a client bundle of hers holds."""
    return Authority(tmp_path, "Authority of clients").client("alice")
