"""Settings as their owner sees them over the API: who said each, and never a secret."""

from __future__ import annotations

from pathlib import Path

from lading.main.settings_shown import shown_settings
from lading.services.server.server_settings import Origin
from lading.settings import File, resolve

SECRET = "hunter2hunter2"


def test_each_says_its_value_and_who_said_it() -> None:
    settings = resolve(
        {"port": "4000"},
        {"LADING_PUSH_LANES": "7", "LADING_ADMIN_PASSWORD_FILE": "/run/secret"},
        [File("/etc/lading/config.toml", {"public-url": "https://lading.corp"})],
        Path("/srv/lading"),
        lambda _: f"{SECRET}\n",
    )
    shown = {each.name: each for each in shown_settings(settings)}

    def told(name: str) -> tuple[str | None, Origin, str | None]:
        return shown[name].value, shown[name].origin, shown[name].place

    assert told("port") == ("4000", Origin.FLAG, "--port")
    assert told("push-lanes") == ("7", Origin.ENVIRONMENT, "LADING_PUSH_LANES")
    assert told("admin-password") == ("set", Origin.ENVIRONMENT, "LADING_ADMIN_PASSWORD_FILE")
    assert told("public-url") == ("https://lading.corp", Origin.FILE, "/etc/lading/config.toml")
    assert told("database") == (None, Origin.DEFAULT, None)
    assert shown["database"].meant == "SQLite in the data folder"
    assert (shown["data"].value, shown["data"].meant) == (None, "/srv/lading")
    assert SECRET not in str([each.json for each in shown.values()])
