"""An OCI layout keeps the contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from lading.backends.content_store.layout import LayoutStore
from lading.oci.manifest import Manifest
from lading.oci.media_types import OCI_CONFIG
from tests.contract.stores.suite import (
    LAYER,
    ConditionsContract,
    ResumingContract,
    Sha512Contract,
    SourceContract,
    TagsContract,
    TargetContract,
    VerifyingContract,
    descriptor_of,
    push,
    push_image,
    tag,
)


class TestLayout(
    SourceContract,
    TargetContract,
    Sha512Contract,
    ResumingContract,
    VerifyingContract,
    TagsContract,
    ConditionsContract,
):
    @pytest.fixture
    def store(self, tmp_path: Path) -> LayoutStore:
        return LayoutStore(tmp_path / "layout")

    @pytest.fixture
    def names(self) -> tuple[str, str, str]:
        return "1.0", "docker.io/library/x:2", "localhost:5000/a/b:1"

    def test_content_that_others_may_have_written_is_checked_again(self, store: LayoutStore) -> None:
        assert not store.verified

    def test_referrers_are_found_by_their_subject_and_are_no_images(self, store: LayoutStore) -> None:
        image = push_image(store, LAYER)
        tag(store, image, "1.0")
        push(store, descriptor_of(b"{}"), b"{}")
        signature = Manifest.build(
            descriptor_of(b"{}", media_type=OCI_CONFIG),
            [],
            artifact_type="application/example.signature",
            subject=image.descriptor(),
            annotations={"signer": "me"},
        )
        push(store, signature.descriptor(), signature.raw)

        (found,) = store.referrers(image.descriptor().digest)
        assert found.digest == signature.descriptor().digest
        assert found.artifact_type == "application/example.signature"
        assert found.annotations == {"signer": "me"}
        assert not list(store.referrers(found.digest))
        assert list(store.tags()) == ["1.0"]
