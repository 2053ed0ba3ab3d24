"""Signatures at docker-registry 2.8, which lists no referrers by itself; openssl and skopeo are the other side."""

from __future__ import annotations

import base64
import json
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest

from lading.oci.digest import Digest
from tests.peers import layouts, programs
from tests.peers.command import Lading
from tests.peers.programs import RunningRegistry

pytestmark = pytest.mark.peer("docker-registry", "skopeo", "openssl")

SIMPLE = "application/vnd.dev.cosign.simplesigning.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
PASSPHRASE = "correct horse"


@dataclass(frozen=True)
class Signing:
    """The command, a registry with the image app:1, and a key pair that openssl made."""

    lading: Lading
    registry: RunningRegistry
    folder: Path
    digest: Digest

    @property
    def app(self) -> str:
        return f"{self.registry.host}/app:1"

    @property
    def tag(self) -> str:
        """Where the list of what refers to the image is kept."""
        return f"sha256-{self.digest.encoded}"

    def sign(self, *options: str, image: str | None = None) -> None:
        self.lading("sign", image or self.app, "--key", str(self.folder / "o.key"), *options)

    def verify(self, image: str | None = None) -> tuple[int, str]:
        done = self.lading.run("verify", image or self.app, "--key", str(self.folder / "o.pub"))
        return done.returncode, (done.stdout + done.stderr).decode()

    def put(self, name: str, manifest: dict[str, object]) -> None:
        """A manifest under a name, as anybody who may push can."""
        url = f"{self.registry.scheme}://{self.registry.host}/v2/app/manifests/{name}"
        headers = {"content-type": str(manifest["mediaType"])}
        request = urllib.request.Request(url, json.dumps(manifest).encode(), headers, method="PUT")
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 201

    def get(self, name: str) -> dict[str, object]:
        told = programs.skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{self.registry.host}/app:{name}")
        content: dict[str, object] = json.loads(told)
        return content


@pytest.fixture
def signing(tmp_path: Path, docker_registry: RunningRegistry) -> Signing:
    lading = Lading(tmp_path / "data", (("LADING_TRUST_PASSPHRASE", PASSPHRASE),))
    key = ("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-aes256")
    programs.run("openssl", *key, "-pass", f"pass:{PASSPHRASE}", "-out", f"{tmp_path}/o.key")
    opening = ("-passin", f"pass:{PASSPHRASE}")
    programs.run("openssl", "pkey", "-in", f"{tmp_path}/o.key", *opening, "-pubout", "-out", f"{tmp_path}/o.pub")
    layout = tmp_path / "layout"
    digest = layouts.write_layout(layout, "v1", layouts.write_image(layout, [layouts.layer("a", 1000)]))
    lading("copy", f"oci:{layout}:v1", f"{docker_registry.host}/app:1")
    return Signing(lading, docker_registry, tmp_path, Digest.parse(digest))


def test_openssl_verifies_what_we_sign_with_its_key(signing: Signing) -> None:
    """Skopeo brings the older form's document and signature, as those programs would read it."""
    signing.sign("--sig")
    here = signing.folder / "brought"
    there = f"docker://{signing.registry.host}/app:{signing.tag}.sig"
    programs.skopeo("copy", "--src-tls-verify=false", there, f"dir:{here}")
    (layer,) = json.loads((here / "manifest.json").read_text())["layers"]
    (here / "signature").write_bytes(base64.b64decode(layer["annotations"]["dev.cosignproject.cosign/signature"]))

    told = programs.run(
        "openssl",
        *("dgst", "-sha256", "-verify", f"{signing.folder}/o.pub", "-signature", f"{here}/signature"),
        str(here / layer["digest"].removeprefix("sha256:")),
    )

    assert told == "Verified OK\n"
    assert layer["mediaType"] == SIMPLE
    assert signing.verify()[0] == 0


def test_we_verify_what_openssl_signed_and_skopeo_pushed(signing: Signing) -> None:
    """A signature as cosign 2 writes it, without a word of ours."""
    critical = {
        "identity": {"docker-reference": f"{signing.registry.host}/app"},
        "image": {"docker-manifest-digest": str(signing.digest)},
        "type": "cosign container image signature",
    }
    payload = signing.folder / "payload"
    payload.write_text(json.dumps({"critical": critical, "optional": None}))
    made = signing.folder / "made"
    key = ("-sign", f"{signing.folder}/o.key", "-passin", f"pass:{PASSPHRASE}")
    programs.run("openssl", "dgst", "-sha256", *key, "-out", str(made), str(payload))
    _push_simple(signing, payload.read_bytes(), base64.b64encode(made.read_bytes()).decode())

    code, told = signing.verify()

    assert code == 0, told
    assert "cosign-sig" in told


def test_the_list_that_we_keep_holds_every_signature_and_makes_nothing_signed(signing: Signing) -> None:
    """Two signatures of a good image, put into the list of a bad one."""
    signing.sign()
    signing.sign(image=f"{signing.registry.host}/app@{signing.digest}")
    listed = signing.get(signing.tag)["manifests"]
    layout = signing.folder / "bad"
    bad = layouts.write_layout(layout, "v1", layouts.write_image(layout, [layouts.layer("bad", 1000)]))
    signing.lading("copy", f"oci:{layout}:v1", f"{signing.registry.host}/app:1")
    signing.put(bad.replace(":", "-"), signing.get(signing.tag))

    code, told = signing.verify()

    assert isinstance(listed, list)
    assert {each["artifactType"] for each in listed} == {"application/vnd.dev.sigstore.bundle.v0.3+json"}
    assert len({each["digest"] for each in listed}) == 2
    assert code == 6
    assert "subject is not the image that lists it" in told


def test_skopeo_takes_what_we_signed_and_nothing_else(signing: Signing) -> None:
    """By its own policy, where its build reads such signatures: Debian's are made without."""
    signing.sign("--sig")
    code, told = _skopeo_by_policy(signing, signing.folder / "o.pub")
    if "sigstore disabled" in told:
        pytest.skip("this skopeo is built without sigstore: Debian-local change")
    assert code == 0, told

    programs.run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{signing.folder}/e.key")
    eves = f"{signing.folder}/e.pub"
    programs.run("openssl", "pkey", "-in", f"{signing.folder}/e.key", "-pubout", "-out", eves)
    code, told = _skopeo_by_policy(signing, Path(eves))
    assert code != 0
    assert "Source image rejected" in told


def _skopeo_by_policy(signing: Signing, key: Path) -> tuple[int, str]:
    """Its exit code and words, where images of the registry must be signed by the key."""
    host = signing.registry.host
    rule = {"type": "sigstoreSigned", "keyPath": str(key), "signedIdentity": {"type": "matchRepository"}}
    policy = {"default": [{"type": "reject"}], "transports": {"docker": {host: [rule]}}}
    (signing.folder / "policy.json").write_text(json.dumps(policy))
    places = signing.folder / "registries.d"
    places.mkdir(exist_ok=True)
    (places / "here.yaml").write_text(json.dumps({"docker": {host: {"use-sigstore-attachments": True}}}))
    program = programs.find("skopeo")
    assert program is not None
    given = ("--policy", str(signing.folder / "policy.json"), "--registries.d", str(places))
    brought = f"dir:{signing.folder / 'by-policy'}"
    command = [program, *given, "copy", "--src-tls-verify=false", f"docker://{signing.app}", brought]
    done = subprocess.run(command, capture_output=True, check=False)
    return done.returncode, (done.stdout + done.stderr).decode()


def _push_simple(signing: Signing, payload: bytes, signature: str) -> None:
    layout = signing.folder / "simple"
    config = b'{"architecture":"","os":"","config":{},"rootfs":{"type":"layers","diff_ids":[]}}'
    layer = _blob(layout, SIMPLE, payload) | {"annotations": {"dev.cosignproject.cosign/signature": signature}}
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": _blob(layout, "application/vnd.oci.image.config.v1+json", config),
        "layers": [layer],
    }
    layouts.write_layout(layout, "sig", _blob(layout, MANIFEST, json.dumps(manifest).encode()))
    there = f"docker://{signing.registry.host}/app:{signing.tag}.sig"
    programs.skopeo("copy", "--dest-tls-verify=false", f"oci:{layout}:sig", there)


def _blob(layout: Path, media_type: str, content: bytes) -> dict[str, object]:
    digest = Digest.of(content)
    folder = layout / "blobs/sha256"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / digest.encoded).write_bytes(content)
    return {"mediaType": media_type, "digest": str(digest), "size": len(content)}
