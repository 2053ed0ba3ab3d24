"""The examples of docs/immutable-tags.md, run one after the other: what is printed is what the page shows."""

from __future__ import annotations

import re
import shlex
import time
from contextlib import closing
from pathlib import Path

from lading.backends.database.repositories import open_records
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.services.repository_edits import Edit, HoldBlob, HoldManifest, PointTag
from lading.services.repository_rows import HeldManifest
from tests.fakes.service_folder import ServiceFolder

PAGE = Path(__file__).parents[3] / "docs" / "immutable-tags.md"
BLOCKS = re.findall(r"```console\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
CALLS = [call.partition("\n") for block in BLOCKS for call in block.split("$ ") if call]


def test_the_examples_print_what_they_show(lading: ServiceFolder) -> None:
    lading("repository", "ls")
    layer, image = Digest.of(b"layer"), Descriptor("application/vnd.oci.image.manifest.v1+json", Digest.of(b"i"), 500)
    with closing(open_records(lading.data / "lading.db")) as records:
        held = HeldManifest(image, (layer,))
        edits: list[Edit] = [HoldBlob(layer, 7), HoldManifest(held), PointTag("1.0", image.digest)]
        records.change("team/app", lambda _view: edits, time.time())

    assert len(CALLS) > 5
    for call, _, shown in CALLS:
        program, *words = shlex.split(call)
        assert program == "lading"
        said = lading.run(*words)
        told = said.out if said.code == 0 else said.err.partition("\n")[0] + "\n"
        assert told == shown, call
