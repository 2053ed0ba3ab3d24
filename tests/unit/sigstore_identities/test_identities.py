"""Identities proven by the library of the sigstore project, at an instance that is played, with its own logs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from importlib.resources import files
from typing import Any

import pytest

from lading.backends.sigstore_identities.identities import IdentitiesUnavailable, SigstoreIdentities
from lading.backends.sigstore_identities.proving import TrustedRootInvalid
from lading.oci.digest import Digest
from lading.oci.reference import Repository
from lading.proof import sigstore_bundle
from lading.proof.claims import Claim
from lading.services.trust.signature_reading import Identified, IdentityRefused
from tests.fakes.sigstore_instance import ANN, ISSUER, NOW, Instance, key

CLAIM = Claim(Digest.of(b"manifest"), Repository("registry.test", "team/app"), "1", 5, NOW)
HOUSE = Instance()
WORKFLOW = "https://ci.corp/team/app/.ci/release.yml@refs/tags/v1"


def identified(bundle: bytes, root: bytes = HOUSE.root) -> Identified:
    return SigstoreIdentities().identified(bundle, root)


@pytest.mark.parametrize("subject", [ANN, WORKFLOW])
def test_a_bundle_proves_who_signed_what_and_when(subject: str) -> None:
    proven = identified(HOUSE.bundle(CLAIM, subject))

    assert (proven.issuer, proven.subject, proven.signed_at) == (ISSUER, subject, NOW)
    assert sigstore_bundle.claim_of(proven.payload) == CLAIM


@pytest.mark.parametrize(
    ("instance", "reason"),
    [
        (Instance(authority=key(9)), "failed to build timestamp certificate chain"),
        (Instance(certificates=key(9)), "failed to verify SCT on signing certificate"),
        (Instance(log=key(9)), "invalid log entry: checkpoint"),
    ],
)
def test_parts_of_another_instance_prove_nothing(instance: Instance, reason: str) -> None:
    """One at a time: who certified the name, the log of certificates, the log of signatures."""
    with pytest.raises(IdentityRefused, match=reason):
        identified(instance.bundle(CLAIM))
    with pytest.raises(IdentityRefused, match=reason):
        identified(HOUSE.bundle(CLAIM), instance.root)


@pytest.mark.parametrize("late", [timedelta(minutes=11), timedelta(minutes=-1)])
def test_a_signature_that_was_made_while_no_certificate_held_proves_nothing(late: timedelta) -> None:
    with pytest.raises(IdentityRefused, match="not valid at validation time"):
        identified(HOUSE.bundle(CLAIM, late=late))


def test_a_signature_counts_for_as_long_as_it_was_made_in_time() -> None:
    assert identified(HOUSE.bundle(CLAIM, late=timedelta(minutes=10))).signed_at == NOW


Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    "change",
    [
        lambda entry: entry.pop("inclusionProof"),
        lambda entry: entry.update(integratedTime=str(NOW + 120)),
        lambda entry: entry.update(canonicalizedBody="e30="),
        lambda entry: entry.update(kindVersion={"kind": "hashedrekord", "version": "0.0.1"}),
        lambda entry: entry["inclusionProof"].update(hashes=[]),
        lambda entry: entry["inclusionPromise"].update(signedEntryTimestamp="AAAA"),
        lambda entry: entry.pop("inclusionPromise"),
    ],
)
def test_a_log_entry_that_was_changed_proves_nothing(change: Change) -> None:
    document = json.loads(HOUSE.bundle(CLAIM))
    change(document["verificationMaterial"]["tlogEntries"][0])

    with pytest.raises(IdentityRefused):
        identified(json.dumps(document).encode())


@pytest.mark.parametrize("part", ["tlogEntries", "certificate"])
def test_a_bundle_that_lacks_a_part_proves_nothing(part: str) -> None:
    document = json.loads(HOUSE.bundle(CLAIM))
    del document["verificationMaterial"][part]

    with pytest.raises(IdentityRefused):
        identified(json.dumps(document).encode())


@pytest.mark.parametrize("root", [b"", b"{}", b"[]", b'{"mediaType":"x"}', HOUSE.root.replace(b"0.1", b"9.9")])
def test_a_root_that_is_none_is_the_policys_fault(root: bytes) -> None:
    with pytest.raises(TrustedRootInvalid, match="sigstore-root cannot be used"):
        identified(HOUSE.bundle(CLAIM), root)


def test_the_public_instances_root_is_read() -> None:
    """As sigstore's own library brings it along: nobody of ours is certified there."""
    (root,) = files("sigstore").joinpath("_store").glob("*sigstore.dev/trusted_root.json")  # type: ignore[attr-defined]  # a folder, installed as one

    with pytest.raises(IdentityRefused, match="failed to build timestamp certificate chain"):
        identified(HOUSE.bundle(CLAIM), root.read_bytes())


def test_who_has_not_the_library_is_told_what_to_install() -> None:
    with pytest.raises(IdentitiesUnavailable) as refused:
        SigstoreIdentities("no_such_library").identified(HOUSE.bundle(CLAIM), HOUSE.root)

    assert ".[sigstore]" in str(refused.value.hint)


def test_the_library_is_loaded_by_who_needs_it_alone() -> None:
    code = "import sys, lading.main.content_trusting; print([each for each in sys.modules if each[:8] == 'sigstore'])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "[]"
