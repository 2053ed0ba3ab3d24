"""Parameters of the Docker Engine API as its clients spell them."""

from __future__ import annotations

import json
from contextlib import suppress
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.oci.platform import Platform
from lading.wire.docker_query import (
    FIELDS_LIMIT,
    FilterInvalid,
    Filters,
    FiltersUnreadable,
    Form,
    FormInvalid,
    MomentUnreadable,
    PlatformUnreadable,
    read_moment,
    read_platform,
)

NOW = 1_700_000_000.0


@pytest.mark.parametrize("text", ["", "0", "no", "No", "FALSE", "false", "none", " none "])
def test_these_words_are_no(text: str) -> None:
    assert not Form(urlencode({"all": text})).flag("all", default=True)


@pytest.mark.parametrize("text", ["1", "true", "True", "yes", "2", "off", "x"])
def test_any_other_word_is_yes(text: str) -> None:
    assert Form(urlencode({"all": text})).flag("all")


def test_what_is_not_there_is_the_default() -> None:
    assert not Form("").flag("quiet")
    assert Form("").flag("quiet", default=True)


def test_the_body_comes_before_the_query() -> None:
    form = Form("repo=body&names=a", "repo=query&tag=t&names=b")

    assert (form.one("repo"), form.one("tag"), form.all("names")) == ("body", "t", ("a", "b"))


def test_parameters_are_counted() -> None:
    with pytest.raises(FormInvalid):
        Form("&".join(f"names={count}" for count in range(FIELDS_LIMIT + 1)))


@given(st.text())
def test_any_query_is_read_or_refused(text: str) -> None:
    form = Form(text)
    form.one("x")
    with suppress(FiltersUnreadable, FilterInvalid):
        form.filters("label")
    with suppress(PlatformUnreadable):
        form.platform()


VALUES = st.dictionaries(st.sampled_from(["label", "until"]), st.lists(st.text(), unique=True, min_size=1))


@given(VALUES)
def test_both_shapes_of_filters_say_the_same(values: dict[str, list[str]]) -> None:
    newer = json.dumps({name: dict.fromkeys(given, True) for name, given in values.items()})
    older = json.dumps(values)

    read = [Form(f"filters={quote(text)}").filters("label", "until") for text in (newer, older)]

    assert read[0] == read[1] == Filters({name: tuple(given) for name, given in values.items()})


def test_no_filters_filter_nothing() -> None:
    assert Form("filters=").filters("label") == Form("").filters("label") == Form("filters={}").filters("label")


@pytest.mark.parametrize("text", ["{", "[]", '"x"', "1", '{"label":1}', '{"label":[1]}', '{"label":"x"}', "[" * 9999])
def test_filters_of_no_known_shape_are_refused(text: str) -> None:
    with pytest.raises(FiltersUnreadable):
        Filters.read(text, {"label"})


def test_an_unknown_filter_is_named() -> None:
    with pytest.raises(FilterInvalid, match=r"^invalid filter 'bogus'$"):
        Filters.read('{"bogus":{"x":true}}', {"label"})


@pytest.mark.parametrize(
    ("values", "truth"), [("true", True), ("1", True), ("false", False), ("0", False)], ids=["true", "1", "false", "0"]
)
def test_a_filter_may_be_a_truth(values: str, truth: bool) -> None:
    assert Filters({"dangling": (values,)}).truth("dangling") is truth


@pytest.mark.parametrize("values", [("maybe",), ("true", "false")])
def test_a_truth_that_is_none_is_refused(values: tuple[str, ...]) -> None:
    with pytest.raises(FilterInvalid, match=r"^invalid filter 'dangling=\["):
        Filters({"dangling": values}).truth("dangling")


def test_only_one_moment_fits_a_filter() -> None:
    with pytest.raises(FilterInvalid):
        Filters({"until": ("1h", "2h")}).moment("until", NOW)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("0", 0.0),
        ("1609459200", 1609459200.0),
        ("1609459200.500000000", 1609459200.5),
        ("10s", NOW - 10),
        ("24h", NOW - 86400),
        ("1h30m", NOW - 5400),
        ("1.5h", NOW - 5400),
        ("1h1m1s1ms", NOW - 3661.001),
        ("-10s", NOW + 10),
        ("2021-01-01T00:00:00Z", 1609459200.0),
        ("2021-01-01T01:00:00+01:00", 1609459200.0),
        ("2021-01-01T00:00:00.123456789Z", 1609459200.0),
        ("2021-01-01T00:00:00", 1609459200.0),
        ("2021-01-01", 1609459200.0),
    ],
)
def test_a_moment_is_a_number_a_date_or_how_long_ago(text: str, moment: float) -> None:
    assert read_moment(text, NOW) == pytest.approx(moment, abs=1)


@given(st.text())
def test_any_other_text_is_no_moment(text: str) -> None:
    with suppress(MomentUnreadable):
        read_moment(text, NOW)


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ('{"os":"linux","architecture":"amd64"}', Platform("linux", "amd64")),
        ('{"architecture":"arm64","os":"linux","variant":"v8"}', Platform("linux", "arm64")),
        ('{"architecture":"arm","os":"linux","variant":"v7"}', Platform("linux", "arm", "v7")),
        (
            '{"architecture":"amd64","os":"windows","os.version":"10.0"}',
            Platform("windows", "amd64", os_version="10.0"),
        ),
    ],
)
def test_a_platform_is_an_object(text: str, platform: Platform) -> None:
    assert read_platform(text) == platform


@pytest.mark.parametrize("text", ["linux/amd64", "{}", '{"os":"linux"}', "[]", "1", '{"os":1,"architecture":"x"}'])
def test_half_a_platform_is_refused(text: str) -> None:
    with pytest.raises(PlatformUnreadable):
        read_platform(text)
