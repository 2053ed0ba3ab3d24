"""The sealed box keeps the contract, with its keys in a file and with keys that were given."""

from __future__ import annotations

from pathlib import Path

import pytest

from lading.backends.credentials.box import GivenKeys, KeyFile, SealedBox
from tests.contract.secret_box_suite import SecretBoxContract

GIVEN = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


class TestBoxOfAFile(SecretBoxContract):
    @pytest.fixture
    def box(self, tmp_path: Path) -> SealedBox:
        return KeyFile(tmp_path / "secret.key").box(making=True)

    @pytest.fixture
    def other(self, tmp_path: Path) -> SealedBox:
        return KeyFile(tmp_path / "other.key").box(making=True)


class TestBoxOfGivenKeys(SecretBoxContract):
    @pytest.fixture
    def box(self) -> SealedBox:
        return GivenKeys(GIVEN).box(making=False)

    @pytest.fixture
    def other(self, tmp_path: Path) -> SealedBox:
        return KeyFile(tmp_path / "other.key").box(making=True)
