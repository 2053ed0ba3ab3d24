from __future__ import annotations

import pytest

from lading.inventory.advisory import read_advisory
from lading.inventory.module_streams import is_other_stream
from tests.fakes.advisories import affecting, record

NODE = ("nodejs", "1:18.17.1-1.module_el8.8.0+3613", "Important: nodejs:18 security, bug fix, and enhancement update")
NPM = ("npm", "1:9.6.7-1.18.17.1.1.module_el8.8.0+3613", NODE[2])
PHP = ("php", "8.0.30-1.module_el9.2.0+31", "Moderate: php:8.0 security update")
BASH = ("bash", "4.4.20-5.el8", "Low: bash security update")


@pytest.mark.parametrize(
    ("erratum", "version", "other"),
    [
        (NODE, "1:18.12.1-2.module_el8.7.0+3370", False),
        (NODE, "1:16.20.2-2.module_el8.9.0+3729", True),
        (NODE, "1:10.24.0-1.module_el8.3.0+2047", True),
        (NODE, "1:16.20.2-1.el8", True),
        (NPM, "1:8.19.4-1.16.20.2.2.module_el8.9.0+3729", False),  # nobody can tell
        (PHP, "8.0.27-1.module_el9.1.0+30", False),
        (PHP, "8.1.27-1.module_el9.1.0+30", True),
        (BASH, "4.4.19-1.el8", False),
        (BASH, "4.4.19-1.module_el8+1", True),
    ],
)
def test_errata_say_nothing_of_other_streams(erratum: tuple[str, str, str], version: str, *, other: bool) -> None:
    name, mended, summary = erratum
    entry = affecting("AlmaLinux:8", name, "introduced 0", f"fixed {mended}")
    advisory = read_advisory(record("ALSA-2099:1", entry, summary=summary))

    assert is_other_stream(advisory, advisory.affected[0], version) is other


def test_only_the_family_of_red_hat_has_streams() -> None:
    entry = affecting("npm", "demo", "introduced 0", "fixed 1.0.0")
    advisory = read_advisory(record("GHSA-1", entry, summary="demo:2 opens doors"))

    assert not is_other_stream(advisory, advisory.affected[0], "0.9.0-beta.module1")
