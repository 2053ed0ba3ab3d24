"""The words of OpenVEX for what somebody says of a vulnerability in a product (openvex-spec 0.2.0, Status Labels and
Status Justifications)."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """What is said. `accepted` is ours: the product is affected, and somebody bears that until a given day; to others
    it is `affected`."""

    NOT_AFFECTED = "not_affected"
    FIXED = "fixed"
    ACCEPTED = "accepted"
    UNDER_INVESTIGATION = "under_investigation"
    AFFECTED = "affected"

    @property
    def suppresses(self) -> bool:
        """Whether a finding under it counts no more: that somebody looks into it, or knows of it, hides nothing."""
        return self in {Status.NOT_AFFECTED, Status.FIXED, Status.ACCEPTED}


class Justification(StrEnum):
    """Why a product is not affected."""

    COMPONENT_NOT_PRESENT = "component_not_present"
    VULNERABLE_CODE_NOT_PRESENT = "vulnerable_code_not_present"
    VULNERABLE_CODE_NOT_IN_EXECUTE_PATH = "vulnerable_code_not_in_execute_path"
    VULNERABLE_CODE_CANNOT_BE_CONTROLLED_BY_ADVERSARY = "vulnerable_code_cannot_be_controlled_by_adversary"
    INLINE_MITIGATIONS_ALREADY_EXIST = "inline_mitigations_already_exist"
