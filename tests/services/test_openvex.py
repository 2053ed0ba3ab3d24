"""OpenVEX 0.2: what is taken of others' documents, and what ours say."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.inventory.severity import Severity
from lading.services.findings.scanner import Finding
from lading.services.gates.exception_matching import Judged, is_about
from lading.services.gates.openvex import CONTEXT, OpenVexInvalid, openvex_json, read_openvex
from lading.services.gates.records import ExceptionRow
from lading.services.gates.statements import Justification, Status

NOW = 1_800_000_000.0
DIGEST = f"sha256:{'a' * 64}"
IMAGE = f"pkg:oci/app@sha256%3A{'a' * 64}?repository_url=registry.example/team/app"


def document(*statements: Mapping[str, object], **more: object) -> dict[str, object]:
    return {
        "@context": CONTEXT,
        "@id": "https://example.test/vex/1",
        "author": "Example",
        "timestamp": "2026-01-01T00:00:00Z",
        "version": 1,
        "statements": list(statements),
        **more,
    }


def statement(product: object = "pkg:deb/debian/openssl@1.0", **more: object) -> dict[str, object]:
    products = [{"@id": product}] if isinstance(product, str) else [product]
    return {
        "vulnerability": {"name": "CVE-2026-1"},
        "products": products,
        "status": "fixed",
        **more,
    }


def rows(*statements: Mapping[str, object]) -> tuple[ExceptionRow, ...]:
    return read_openvex(document(*statements), "ann", NOW).rows


@pytest.mark.parametrize(
    ("product", "image", "package"),
    [
        ("pkg:deb/debian/openssl@1.0", "", "pkg:deb/debian/openssl@1.0"),
        (IMAGE, f"registry.example/team/app@{DIGEST}", ""),
        (f"pkg:oci/app@sha256%3A{'a' * 64}", DIGEST, ""),
        ("pkg:oci/app?repository_url=registry.example/team/app&tag=1", "registry.example/team/app:1", ""),
        ("pkg:oci/app?repository_url=registry.example/team/app", "registry.example/team/app", ""),
        (
            {"@id": "https://example.test/app", "identifiers": {"purl": "pkg:npm/left-pad@1"}},
            "",
            "pkg:npm/left-pad@1",
        ),
        (
            {"@id": IMAGE, "subcomponents": [{"@id": "pkg:npm/left-pad@1"}]},
            f"registry.example/team/app@{DIGEST}",
            "pkg:npm/left-pad@1",
        ),
        ("urn:lading:image:team%2F%2A", "team/*", ""),
        ("urn:lading:image:%2A", "", ""),
    ],
)
def test_which_image_and_package_a_product_is(product: object, image: str, package: str) -> None:
    (row,) = rows(statement(product))

    assert (row.image, row.package_url) == (image, package)


@pytest.mark.parametrize("product", ["https://example.test/app", "pkg:oci/app", "pkg:*/*", "*", "pkg:deb/debian/*"])
def test_what_names_nothing_of_ours_is_left_out_and_told(product: str) -> None:
    read = read_openvex(document(statement(product)), "ann", NOW)

    assert (read.rows, read.left_out) == ((), (product,))


def test_a_statement_says_its_status_and_why() -> None:
    (row,) = rows(
        statement(
            status="not_affected", justification="vulnerable_code_not_present", impact_statement="built without it"
        )
    )

    assert (row.status, row.justification) == (Status.NOT_AFFECTED, Justification.VULNERABLE_CODE_NOT_PRESENT)
    assert (row.reason, row.author, row.origin) == ("built without it", "ann", "https://example.test/vex/1")
    (bare,) = rows(statement(status="not_affected", justification="vulnerable_code_not_present"))
    assert bare.reason == "vulnerable code not present"


def test_what_shows_nothing_is_not_taken_over() -> None:
    """Half a character cannot be written down again, and some databases keep no zero."""
    said = {"vulnerability": {"name": "CVE-2026-1"}, "status": "fixed", "status_notes": "\ud800a\x00b\u202ec\nd"}
    products = [{"@id": "urn:lading:image:%00"}, {"@id": "urn:lading:package:%0A"}, {"@id": "pkg:pypi/a"}]

    read = read_openvex(document({**said, "products": products}) | {"author": "\ud800you"}, "me", NOW)

    assert read.author == "\ufffdyou"
    assert [(row.package_url, row.reason) for row in read.rows] == [("pkg:pypi/a", "\ufffda\ufffdb\ufffdc\nd")]
    assert read.left_out == ("urn:lading:image:%00", "urn:lading:package:%0A")


def test_the_latest_of_several_statements_counts() -> None:
    late = statement(status="affected", timestamp="2026-03-01T00:00:00Z", action_statement="update")
    early = statement(status="fixed", timestamp="2026-02-01T00:00:00Z")

    for said in ([late, early], [early, late]):
        (row,) = rows(*said)
        assert row.status is Status.AFFECTED
        assert not row.status.suppresses


@pytest.mark.parametrize(
    ("wrong", "part"),
    [
        ([], "whole"),
        ({"@context": "https://openvex.dev/ns"}, "@context"),
        (document(), "statements"),
        (document(statement(), **{"@id": 7}), "@id"),
        (document(statement(), timestamp="yesterday"), "timestamp"),
        (document("x"), "statements"),  # type: ignore[arg-type]  # as strangers write it
        (document(statement(vulnerability="CVE-2026-1")), "vulnerability"),
        (document(statement(vulnerability={"name": ""})), "vulnerability's name"),
        (document(statement(status="accepted")), "status"),
        (document(statement(status="perhaps")), "status"),
        (document(statement(status="not_affected")), "statement"),
        (document(statement(products=[])), "products"),
        (document(statement({"@id": IMAGE, "subcomponents": "x"})), "subcomponents"),
        (document(statement(justification="because")), "justification"),
    ],
)
def test_what_is_no_openvex_is_refused_whole(wrong: object, part: str) -> None:
    with pytest.raises(OpenVexInvalid) as refused:
        read_openvex(wrong, "ann", NOW)
    assert refused.value.part == part


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = ["vulnerability", "products", "status", "justification", "timestamp", "impact_statement"]


@given(st.lists(st.dictionaries(st.sampled_from(NAMES), JSON) | JSON, max_size=3), JSON)
def test_garbage_is_refused(statements: list[Any], whole: object) -> None:
    for wrong in (
        whole,
        document(*statements),
        document(*({**statement(), **each} for each in statements if isinstance(each, dict))),
    ):
        with suppress(OpenVexInvalid):
            read_openvex(wrong, "ann", NOW)


ROWS = st.builds(
    ExceptionRow,
    st.just(0),
    st.sampled_from(["CVE-2026-1", "GHSA-x"]),
    st.sampled_from([Status.NOT_AFFECTED, Status.FIXED, Status.UNDER_INVESTIGATION, Status.AFFECTED]),
    st.sampled_from(["because", "it is so"]),
    st.just("ann"),
    st.just(NOW),
    st.sampled_from(["", "pkg:deb/*", "pkg:npm/left-pad@1"]),
    st.sampled_from(["", "team/*", "registry.example/team/app:1", f"registry.example/team/app@{DIGEST}", DIGEST]),
)


@given(st.lists(ROWS, min_size=1, max_size=5, unique_by=lambda row: (row.vulnerability, row.image, row.package_url)))
def test_what_goes_out_comes_in_again(told: list[ExceptionRow]) -> None:
    out = openvex_json(told, "ann", NOW)
    read = read_openvex(out, "ann", NOW)

    assert [replace(row, origin="") for row in read.rows] == told
    assert read.left_out == ()


def test_what_somebody_bears_is_affected_to_others() -> None:
    borne = ExceptionRow(1, "CVE-2026-1", Status.ACCEPTED, "until the update", "ann", NOW, expires=NOW + 1)
    out: Any = openvex_json([borne], "ann", NOW)
    (said,) = out["statements"]

    assert (said["status"], said["action_statement"]) == ("affected", "until the update")


def test_an_imported_statement_is_about_the_image_it_names_and_no_other() -> None:
    (row,) = rows(statement({"@id": IMAGE, "subcomponents": [{"@id": "pkg:npm/left-pad@1"}]}))
    finding = Finding("CVE-2026-1", Severity.HIGH, "left-pad", "1", purl="pkg:npm/left-pad@1")

    assert is_about(row, Judged((f"registry.example/team/app@{DIGEST}",)), finding)
    assert not is_about(row, Judged(("registry.example/team/app:1",)), finding)
    assert not is_about(row, Judged((f"registry.example/team/app@{DIGEST}",)), replace(finding, purl="pkg:npm/x@1"))
