"""docs/providers.md: its table is the templates', and its lines are lines of this program."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa

from lading.main.providers import EXPIRY
from lading.services.providers import API_URL, TEMPLATES
from tests.fakes.played_providers import service_key
from tests.fakes.service_folder import ServiceFolder

PAGE = (Path(__file__).parents[3] / "docs/providers.md").read_text(encoding="utf-8")
LINES = [line.partition("lading ")[2] for line in PAGE.splitlines() if line.startswith("    ") and "lading " in line]


def test_its_table_names_every_provider_and_field() -> None:
    rows = [line.split("|")[1:-1] for line in PAGE.splitlines() if re.match(r"\| `\w", line)]
    told = {row[0].strip(" `"): set(re.findall(r"`(\w+)`", row[3])) for row in rows}

    assert told == {
        each.provider.value: {field.name for field in each.fields if field.name != API_URL}
        for each in TEMPLATES.values()
    }
    assert EXPIRY[0] in PAGE


def test_its_lines_configure_what_they_say(lading: ServiceFolder, tmp_path: Path) -> None:
    """But for the last, which asks a provider: nothing leaves this machine."""
    (tmp_path / "key.json").write_text(service_key(rsa.generate_private_key(65537, 2048)))
    *added, tested = LINES
    for line in added:
        words = shlex.split(line.replace("key.json", str(tmp_path / "key.json")))
        lading(*words, stdin="secret" if "--password-stdin" in words else "")

    assert [row["provider"] for row in lading.json("registry", "ls")] == ["ecr", "gar", "acr"]
    assert tested == "registry test aws"
