"""Where settings stand on this machine, read and resolved."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from lading.fronts.cli.application import Configuration, Shown
from lading.settings import File, Settings, SettingsUnreadable, resolve

CONTEXTS = "contexts.json"
"""The names of servers, beside the settings."""


def load(environment: Mapping[str, str], flags: Mapping[str, object]) -> tuple[Settings, Configuration]:
    """The settings, and how `config show` prints them.

    Raises SettingInvalid, SettingUnknown, SettingsUnreadable.
    """
    named, usual = flags.get("config") or environment.get("LADING_CONFIG"), _usual_paths(environment)
    paths = [*([Path(str(named))] if named else []), *(path for path in usual if _stands(path))]
    files = [_read_settings(path) for path in paths]
    settings = resolve(flags, environment, files, _data_folder(environment), _read_text)
    shown = [Shown(each.key.name, each.shown, each.text, each.key.meaning) for each in settings.origins]
    return settings, Configuration(shown, [file.path for file in files], [str(path) for path in usual])


def _usual_paths(environment: Mapping[str, str]) -> list[Path]:
    """The user's settings file and the system's, which need not be there; the --config file must."""
    own = user_folder(environment)
    return [*([own / "config.toml"] if own else []), Path("/etc/lading/config.toml")]


def user_folder(environment: Mapping[str, str]) -> Path | None:
    """Where the user's own settings stand; None for a user without a home folder."""
    home = _home(environment)
    own = environment.get("XDG_CONFIG_HOME") or (home and home / ".config")
    return Path(own) / "lading" if own else None


def names_file(environment: Mapping[str, str]) -> Path | None:
    """Where names at servers are remembered for shells; None for a user without a home folder."""
    home = _home(environment)
    cache = environment.get("XDG_CACHE_HOME") or (home and home / ".cache")
    return Path(cache) / "lading" / "names.json" if cache else None


def _stands(path: Path) -> bool:
    """A folder that this user may not look into, as after `sudo -u`, may hold settings that were meant."""
    try:
        return path.exists()
    except OSError as error:
        raise SettingsUnreadable(str(path), os.strerror(error.errno or 0)) from error


def _home(environment: Mapping[str, str]) -> Path | None:
    """None for a user whom the system does not know, as containers run them."""
    if environment.get("HOME"):
        return Path(environment["HOME"])
    try:
        return Path.home()
    except RuntimeError:
        return None


def _data_folder(environment: Mapping[str, str]) -> Path | None:
    """interfaces §1."""
    if environment.get("XDG_DATA_HOME"):
        return Path(environment["XDG_DATA_HOME"]) / "lading"
    if os.geteuid() == 0:
        return Path("/var/lib/lading")
    home = _home(environment)
    return home and home / ".local/share/lading"


def _read_settings(path: Path) -> File:
    import tomllib  # noqa: PLC0415  most calls have no file to read

    try:
        return File(str(path), tomllib.loads(path.read_text()))
    except OSError as error:
        raise SettingsUnreadable(str(path), os.strerror(error.errno or 0)) from error
    except ValueError as error:
        raise SettingsUnreadable(str(path), str(error)) from error


def _read_text(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError as error:
        raise SettingsUnreadable(path, os.strerror(error.errno or 0)) from error
    except ValueError as error:  # not UTF-8; its text would show part of a secret
        raise SettingsUnreadable(path, "it is not text") from error
