from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import pytest

from lading.setting_keys import KEYS
from lading.settings import (
    File,
    RegistrySettings,
    SettingInvalid,
    Settings,
    SettingsUnreadable,
    SettingUnknown,
    resolve,
)

DATA = Path("/home/alice/.local/share/lading")


def unreadable(path: str) -> str:
    raise SettingsUnreadable(path, "no such file")


def settings(
    flags: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
    *files: Mapping[str, object],
) -> Settings:
    read = [File(f"/etc/{number}.toml", content) for number, content in enumerate(files)]
    return resolve(flags or {}, environment or {}, read, DATA, unreadable)


def origin(found: Settings, name: str) -> str:
    return next(each.text for each in found.origins if each.key.name == name)


def test_a_flag_wins_over_the_environment_and_that_over_the_files_in_their_order() -> None:
    flags, environment = {"lanes": "1"}, {"LADING_LANES": "2"}
    first, second = {"lanes": 3}, {"lanes": 4}

    assert settings(flags, environment, first, second).lanes == 1
    assert settings({}, environment, first, second).lanes == 2
    assert settings({}, {}, first, second).lanes == 3
    assert settings({}, {}, {}, second).lanes == 4
    assert settings().lanes is None


def test_every_value_says_where_it_came_from() -> None:
    assert origin(settings({"lanes": "1"}), "lanes") == "--lanes"
    assert origin(settings({}, {"LADING_LANES": "2"}), "lanes") == "LADING_LANES"
    assert origin(settings({}, {}, {"lanes": 3}), "lanes") == "/etc/0.toml"
    assert origin(settings(), "lanes") == "default"


def test_every_setting_tells_what_holds_where_nobody_says() -> None:
    shown = {each.key.name: each.shown for each in settings().origins}

    assert all(shown.values())
    assert shown["lanes"] == "pull 3, push 5"
    assert (shown["host"], shown["insecure"], shown["progress"]) == ("127.0.0.1", "false", "auto")


def test_settings_are_shown_as_the_environment_would_set_them_and_secrets_not_at_all() -> None:
    found = settings({"insecure": True, "platform": ("linux/amd64", "linux/arm64"), "password": "s3cret"})
    shown = {each.key.name: each.shown for each in found.origins}

    assert (shown["insecure"], shown["platform"], shown["password"]) == ("true", "linux/amd64,linux/arm64", "(set)")


def test_an_empty_variable_says_nothing() -> None:
    assert settings({}, {"LADING_LANES": ""}).lanes is None


def test_the_data_folder_is_the_default_one_unless_said() -> None:
    assert settings().data == DATA
    assert settings({"data": "/srv/lading"}).data == Path("/srv/lading")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("lanes", "8", 8),
        ("limit-rate", "10M", 10_000_000),
        ("limit-rate", "1.5Gi", 1_610_612_736),
        ("limit-rate", "500 ", None),
        ("limit-rate", "500K", 500_000),
        ("limit-rate", "200kB/s", 200_000),
        ("limit-rate", "0", None),
        ("limit-rate", "fast", None),
        ("timeout", "90", 90.0),
        ("timeout", "90s", 90.0),
        ("timeout", "1.5m", 90.0),
        ("timeout", "2h", 7200.0),
        ("timeout", "0", None),
        ("timeout", "soon", None),
        ("timeout", "9000h", None),
        ("timeout", "9" * 400, None),
        ("limit-rate", "9" * 400, None),
        ("lanes", "²", None),
        ("lanes", "9" * 5000, None),
        ("username", "ann\udcff", None),
        ("password", "\udcff", None),
        ("lanes", "0", None),
        ("lanes", "-1", None),
        ("lanes", "many", None),
        ("insecure", "yes", True),
        ("insecure", "off", False),
        ("insecure", "perhaps", None),
        ("platform", "linux/amd64,linux/arm64", ("linux/amd64", "linux/arm64")),
        ("platform", "linux/amd64,", None),
        ("progress", "plain", "plain"),
        ("progress", "loud", None),
        ("registry-port", "5000", 5000),
        ("registry-port", "0", 0),
        ("registry-port", "65536", None),
        ("docker-api", "off", ("off",)),
        ("docker-api", "unix:///run/a.sock?env=2,tcp://[::1]:2375", ("unix:///run/a.sock?env=2", "tcp://[::1]:2375")),
        ("docker-api", "tcp://lading.corp:0", ("tcp://lading.corp:0",)),
        ("docker-api", "unix://docker.sock", None),
        ("docker-api", "tcp://127.0.0.1", None),
        ("docker-api", "tcp://127.0.0.1:65536", None),
        ("docker-api", "unix:///run/a.sock?env=0", None),
        ("docker-api", "unix:///run/a.sock?environment=2", None),
        ("docker-api", "on", None),
        ("push-lanes", "8", 8),
        ("pull-lanes", "0", None),
        ("content-trust", "1", True),
        ("content-trust", "T", True),
        ("content-trust", "False", False),
        ("content-trust", "f", False),
        ("content-trust", "enforce", None),
        ("content-trust", "2", None),
        ("trust-server", "https://notary.corp:4443/", "https://notary.corp:4443"),
        ("trust-server", "notary.corp", None),
    ],
)
def test_text_is_read_by_its_meaning(name: str, text: str, value: object) -> None:
    environment = {"LADING_" + name.upper().replace("-", "_"): text}
    if value is None:
        with pytest.raises(SettingInvalid) as refused:
            settings({}, environment)
        assert name in str(refused.value)
    else:
        assert getattr(settings({}, environment), name.replace("-", "_")) == value


def test_dockers_own_variable_counts_where_ours_says_nothing() -> None:
    docker = {"DOCKER_CONTENT_TRUST": "1", "DOCKER_CONTENT_TRUST_SERVER": "https://notary.corp"}

    found = settings({}, docker, {"content-trust": False})

    assert (found.content_trust, found.trust_server) == (True, "https://notary.corp")
    assert origin(found, "content-trust") == "DOCKER_CONTENT_TRUST"
    assert settings({}, {**docker, "LADING_CONTENT_TRUST": "0"}).content_trust is False


def test_a_switch_that_cannot_be_read_is_refused_and_not_taken_for_off() -> None:
    with pytest.raises(SettingInvalid, match="DOCKER_CONTENT_TRUST") as refused:
        settings({}, {"DOCKER_CONTENT_TRUST": "yes please"})

    assert refused.value.hint == "Correct the environment variable DOCKER_CONTENT_TRUST, or unset it."


def test_without_a_home_the_data_folder_must_be_said() -> None:
    with pytest.raises(SettingInvalid, match="--data"):
        resolve({}, {}, [], None, str)

    assert resolve({"data": "/srv/lading"}, {}, [], None, str).data == Path("/srv/lading")


def test_an_unknown_key_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(SettingUnknown) as refused:
        settings({}, {}, {"lane": 3})

    assert refused.value.hint == "Did you mean lanes?"


def test_registries_are_read_by_host_and_the_first_file_wins() -> None:
    first = {"registry": {"a:5000": {"tls": "http"}}}
    second = {"registry": {"a:5000": {"tls": "skip"}, "b": {"ca": "/b.pem", "insecure": True}}}

    assert settings({}, {}, first, second).registries == {
        "a:5000": RegistrySettings("http"),
        "b": RegistrySettings(ca="/b.pem", insecure=True),
    }


@pytest.mark.parametrize(
    "content",
    [
        {"registry": {"a": {"tls": "sometimes"}}},
        {"registry": {"a": {"client-key": "/k"}}},
        {"registry": {"a": "b"}},
        {"registry": "a"},
        {"lanes": True},
        {"data": 3},
    ],
)
def test_a_wrong_value_in_a_file_is_refused_and_the_file_named(content: Mapping[str, object]) -> None:
    with pytest.raises(SettingInvalid, match=r"/etc/0\.toml"):
        settings({}, {}, content)


def test_an_unknown_key_of_a_registry_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(SettingUnknown) as refused:
        settings({}, {}, {"registry": {"a": {"tsl": "skip"}}})

    assert refused.value.hint == "Did you mean registry.a.tls?"


def test_a_secret_may_lie_in_a_file_and_its_last_line_end_is_no_part_of_it() -> None:
    found = resolve({}, {"LADING_PASSWORD_FILE": "/run/secret"}, [], DATA, {"/run/secret": "s3cret\n"}.__getitem__)

    assert found.password == "s3cret"
    assert origin(found, "password") == "LADING_PASSWORD_FILE"
    assert "s3cret" not in repr(found)


def test_every_key_is_a_setting() -> None:
    named = {field.name for field in fields(Settings)} - {"registries", "origins"}

    assert {key.name.replace("-", "_") for key in KEYS} == named


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("https://corp", "https://corp"),
        ("https://corp/", "https://corp"),
        ("http://[::1]:3000/", "http://[::1]:3000"),
        ("https://corp/lading/", "https://corp/lading"),
        ("https://corp:8443/a/b-c_d.e", "https://corp:8443/a/b-c_d.e"),
        ("https://corp/..", None),
        ("https://corp/a/../b", None),
        ("https://corp/a b", None),
        ("https://corp/a?b", None),
        ("https://corp//a", None),
        ("corp/lading", None),
        ("ftp://corp", None),
    ],
)
def test_others_may_reach_us_below_a_path(given: str, taken: str | None) -> None:
    if taken is None:
        with pytest.raises(SettingInvalid):
            settings({"public-url": given})
    else:
        assert settings({"public-url": given}).public_url == taken


def test_a_registry_is_never_below_a_path() -> None:
    """It is part of images' names."""
    with pytest.raises(SettingInvalid):
        settings({"registry-public-url": "https://corp/lading"})
