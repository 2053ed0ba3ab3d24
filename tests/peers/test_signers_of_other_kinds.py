"""Signatures of other kinds of signers at docker-registry 2.8, which lists no referrers by itself: notation's, which
openssl made, and identities of a played sigstore.

No package of notation's program is to be had here, so the other side is its specification, written down once more: the
certificates and the signature are openssl's, and the document around them is made here, as notation-core-go makes it.
"""

from __future__ import annotations

import base64
import json
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest

from lading.oci.digest import Digest
from lading.proof import sigstore_bundle
from lading.proof.claims import Claim
from tests.fakes.sigstore_instance import ANN, ISSUER, Instance
from tests.peers import layouts, programs
from tests.peers.command import Lading
from tests.peers.programs import RunningRegistry

pytestmark = pytest.mark.peer("docker-registry", "openssl")

MANIFEST, INDEX = layouts.MANIFEST, layouts.INDEX
ARTIFACT = "application/vnd.cncf.notary.signature"
SUBJECT = "/C=DE/ST=Berlin/O=Corp/CN=release"

POLICY = """
[[rule]]
images = ["*"]
mode = "enforce"
certificates = ["root.pem"]
trusted-subjects = ["x509.subject: C=DE, ST=Berlin, O=Corp"]
"""

SIGSTORE = Instance()
IDENTITIES = f"""
[[rule]]
images = ["*"]
mode = "enforce"
identities = [{{ issuer = "{ISSUER}", subject = "{ANN}" }}]
sigstore-root = "trusted_root.json"
"""

KEYS = {
    "ES256": ("EC", "ec_paramgen_curve:P-256"),
    "ES384": ("EC", "ec_paramgen_curve:P-384"),
    "PS256": ("RSA", "rsa_keygen_bits:2048"),
    "PS384": ("RSA", "rsa_keygen_bits:3072"),
}
"""What openssl calls the key of each algorithm."""


@dataclass(frozen=True)
class Signing:
    """The command, a registry with the image app:1, and an authority that openssl made."""

    lading: Lading
    registry: RunningRegistry
    folder: Path
    image: dict[str, object]

    def signed(self, algorithm: str, target: dict[str, object] | None = None) -> bytes:
        self.certify(algorithm)
        payload = _packed(json.dumps({"targetArtifact": target or self.image}).encode())
        headers = {
            "alg": algorithm,
            "crit": ["io.cncf.notary.signingScheme", "io.cncf.notary.expiry"],
            "cty": "application/vnd.cncf.notary.payload.v1+json",
            "io.cncf.notary.expiry": "2099-08-30T13:50:00Z",
            "io.cncf.notary.signingScheme": "notary.x509",
            "io.cncf.notary.signingTime": "2022-08-29T13:50:00Z",
        }
        protected = _packed(json.dumps(headers).encode())
        chain = [_der(self.folder / name) for name in (f"{algorithm}.pem", "root.pem")]
        header = {"x5c": chain, "io.cncf.notary.signingAgent": "openssl"}
        signature = self._signature(algorithm, f"{protected}.{payload}".encode())
        members = {"payload": payload, "protected": protected, "header": header, "signature": _packed(signature)}
        return json.dumps(members, indent=2).encode()

    def certify(self, algorithm: str) -> None:
        kind, option = KEYS[algorithm]
        at = str(self.folder / algorithm)
        programs.run("openssl", "genpkey", "-algorithm", kind, "-pkeyopt", option, "-out", f"{at}.key")
        programs.run("openssl", "req", "-new", "-key", f"{at}.key", "-subj", SUBJECT, "-out", f"{at}.csr")
        uses = self.folder / "uses"
        uses.write_text("keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\n")
        by = ("-CA", f"{self.folder}/root.pem", "-CAkey", f"{self.folder}/root.key", "-CAcreateserial")
        asked = ("-req", "-in", f"{at}.csr", "-days", "30", "-sha256", "-extfile", str(uses))
        programs.run("openssl", "x509", *asked, *by, "-out", f"{at}.pem")

    def _signature(self, algorithm: str, message: bytes) -> bytes:
        said, made = self.folder / "said", self.folder / "made"
        said.write_bytes(message)
        padding = ("-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest")
        options = padding if algorithm.startswith("PS") else ()
        by = ("-sign", f"{self.folder}/{algorithm}.key", *options)
        programs.run("openssl", "dgst", f"-sha{algorithm[2:]}", *by, "-out", str(made), str(said))
        return made.read_bytes() if algorithm.startswith("PS") else _numbers(made, int(algorithm[2:]) // 8)

    def attach(self, envelope: bytes, artifact: str = ARTIFACT, layer_type: str = "application/jose+json") -> None:
        """As a client does where the registry has no list of referrers: an index under the tag of the digest."""
        config, layer = self._blob(b"{}"), self._blob(envelope)
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": artifact} | config,
            "layers": [{"mediaType": layer_type} | layer],
            "subject": self.image,
        }
        raw = json.dumps(manifest).encode()
        described = layouts.write_blob(self.folder / "put", raw)
        self._request("PUT", f"manifests/{described['digest']}", raw, MANIFEST)
        listed = {"mediaType": MANIFEST, "artifactType": artifact} | described
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [listed]}
        name = str(self.image["digest"]).replace(":", "-")
        self._request("PUT", f"manifests/{name}", json.dumps(index).encode(), INDEX)

    def verify(self, rules: str = POLICY) -> tuple[int, str]:
        (self.folder / "policy.toml").write_text(rules)
        policy = str(self.folder / "policy.toml")
        done = self.lading.run("verify", f"{self.registry.host}/app:1", "--policy", policy)
        return done.returncode, (done.stdout + done.stderr).decode()

    def _blob(self, content: bytes) -> dict[str, object]:
        described = layouts.write_blob(self.folder / "put", content)
        where = self._request("POST", "blobs/uploads/")
        self._request("PUT", f"{where}&digest={described['digest']}", content, "application/octet-stream")
        return described

    def _request(self, method: str, where: str, body: bytes = b"", kind: str = "") -> str:
        """The location that the registry answers."""
        url = where if "://" in where else f"{self.registry.scheme}://{self.registry.host}/v2/app/{where}"
        request = urllib.request.Request(url, body, {"content-type": kind} if kind else {}, method=method)
        with urllib.request.urlopen(request) as answer:
            return str(answer.headers.get("location", ""))


@pytest.fixture
def signing(tmp_path: Path, docker_registry: RunningRegistry) -> Signing:
    lading = Lading(tmp_path / "data")
    subject = ("-subj", "/C=DE/O=Corp/CN=root", "-days", "30")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{tmp_path}/root.key")
    uses = ("-addext", "keyUsage=critical,keyCertSign")
    programs.run("openssl", "req", "-x509", *key, *subject, *uses, "-out", f"{tmp_path}/root.pem")
    layout = tmp_path / "layout"
    root = layouts.write_image(layout, [layouts.layer("a", 1000)])
    layouts.write_layout(layout, "v1", root)
    lading("copy", f"oci:{layout}:v1", f"{docker_registry.host}/app:1")
    image = {name: root[name] for name in ("mediaType", "digest", "size")}
    return Signing(lading, docker_registry, tmp_path, image)


@pytest.mark.parametrize("algorithm", KEYS)
def test_we_verify_what_openssl_signed(signing: Signing, algorithm: str) -> None:
    assert signing.verify()[0] == 6
    signing.attach(signing.signed(algorithm))

    code, told = signing.verify()

    assert code == 0, told
    assert "notation  CN=release,O=Corp,ST=Berlin,C=DE of 2022-08-29" in told


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"digest": f"sha256:{'0' * 64}"}, "the signature is of another image"),
        ({"size": 1}, "says another size or media type than the image has"),
    ],
)
def test_a_signature_of_something_else_is_refused(signing: Signing, change: dict[str, object], reason: str) -> None:
    signing.attach(signing.signed("ES256", signing.image | change))

    code, told = signing.verify()

    assert code == 6
    assert reason in told


def test_a_changed_payload_is_refused(signing: Signing) -> None:
    genuine, other = (json.loads(signing.signed("ES256", signing.image | {"size": size})) for size in (1, 2))
    signing.attach(json.dumps(genuine | {"payload": other["payload"]}).encode())

    code, told = signing.verify()

    assert code == 6
    assert "no key that is accepted made the signature" in told


@pytest.mark.parametrize(("subject", "code"), [(ANN, 0), ("eve@corp.example", 6)])
def test_the_command_proves_identities_with_the_root_that_is_given(signing: Signing, subject: str, code: int) -> None:
    """A bundle of a played instance of sigstore's; the library and all that is between are the real ones."""
    claim = Claim(Digest.parse(str(signing.image["digest"])))
    signing.attach(SIGSTORE.bundle(claim, subject), sigstore_bundle.BUNDLE, sigstore_bundle.BUNDLE)
    (signing.folder / "trusted_root.json").write_bytes(SIGSTORE.root)

    done, told = signing.verify(IDENTITIES)

    assert done == code, told
    said = f"sigstore-bundle  {ANN} ({ISSUER}) of 2026-09-21" if code == 0 else f"the signer is {subject} ({ISSUER})"
    assert said in told


def _der(path: Path) -> str:
    """A certificate as `x5c` has it: the lines of PEM, joined."""
    return "".join(line for line in path.read_text().splitlines() if "-----" not in line)


def _numbers(made: Path, size: int) -> bytes:
    """Both numbers of an ECDSA signature, as openssl reads its own."""
    told = programs.run("openssl", "asn1parse", "-inform", "DER", "-in", str(made))
    numbers = [line.rpartition(":")[2] for line in told.splitlines() if "INTEGER" in line]
    return b"".join(int(number, 16).to_bytes(size, "big") for number in numbers)


def _packed(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
