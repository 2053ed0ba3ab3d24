"""What every SecretBox does. A test class inherits this and gives `box`, and `other` with a key of its own."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lading.services.secrets import SealBroken, SecretBox

PLACE = "registry/3/password"
texts = st.text(st.characters(codec="utf-8"), max_size=200)


class SecretBoxContract:
    @given(texts)
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors])
    def test_what_is_sealed_opens_at_its_place(self, box: SecretBox, plain: str) -> None:
        assert box.open(PLACE, box.seal(PLACE, plain)) == plain

    def test_a_seal_shows_nothing_and_is_different_each_time(self, box: SecretBox) -> None:
        seals = {box.seal(PLACE, "hunter2 hunter2") for _ in range(10)}

        assert len(seals) == 10
        assert not any("hunter2" in seal for seal in seals)

    @pytest.mark.parametrize("place", ["registry/4/password", "environment/3/tls_key", "", "registry/3/password "])
    def test_a_seal_that_was_moved_does_not_open(self, box: SecretBox, place: str) -> None:
        with pytest.raises(SealBroken) as told:
            box.open(place, box.seal(PLACE, "hunter2"))

        assert told.value.place == place

    def test_a_seal_that_was_changed_does_not_open(self, box: SecretBox) -> None:
        sealed = box.seal(PLACE, "hunter2")

        for index in range(0, len(sealed), 3):
            other = "A" if sealed[index] != "A" else "B"
            with pytest.raises(SealBroken):
                box.open(PLACE, sealed[:index] + other + sealed[index + 1 :])

    @pytest.mark.parametrize("sealed", ["", ":", "hunter2", "00000000:", "00000000:AAAA", "é:é", "x" * 1000])
    def test_what_is_no_seal_does_not_open(self, box: SecretBox, sealed: str) -> None:
        with pytest.raises(SealBroken):
            box.open(PLACE, sealed)

    def test_another_key_is_named_and_opens_nothing(self, box: SecretBox, other: SecretBox) -> None:
        sealed = other.seal(PLACE, "hunter2")

        with pytest.raises(SealBroken) as told:
            box.open(PLACE, sealed)

        assert sealed.partition(":")[0] in str(told.value)
        assert "hunter2" not in str(told.value)
        assert told.value.hint == "Bring the right key back, or enter the secret again"
