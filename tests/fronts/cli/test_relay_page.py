"""docs/how-to/relay.md: what it shows can be typed, and does what it says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from tests.fakes.service_folder import ServiceFolder
from tests.fronts.rest_api.caller import house

PAGE = Path(__file__).parents[3] / "docs/how-to/relay.md"
COMMANDS = [
    shlex.split(command)[1:]
    for block in re.findall(r"```console\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    for command in re.findall(r"\$ (.*)\n", block)
]


def test_the_page_configures_a_registry_and_pushes_at_a_server(lading: ServiceFolder, tmp_path: Path) -> None:
    configure, push = COMMANDS
    lading("registry", "add", "corp", "registry.corp.example")

    lading(*configure)

    assert lading.json("registry", "ls")[0]["relay"] == "always"
    with house(tmp_path / "server") as running:
        running.load("app:1.4")
        token = running.admin.post("/api/auth/tokens", {"name": "page"}).json["token"]
        running.admin("PATCH", "/api/environments/1", {"name": "shop-1"})
        here = {"https://lading.example": running.running.api, push[-1]: f"{running.running.address}/shop/app:1.4"}
        running.own_registry()

        pushed = lading(*(here.get(word, word) for word in push), "--token", token)

        assert pushed.out.startswith(f"{running.running.address}/shop/app:1.4@sha256:")
