"""Imports advisories into the folder named, on whatever file system it is: a few, then more than there is room for.

Prints as JSON what is known after each, and what was said of the second.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

from lading.backends.advisories.lookup import KeptAdvisories
from lading.errors import LadingError
from tests.fakes.advisory_files import advisory, brought, zip_of

MANY = 6000


def main(data: Path, elsewhere: Path) -> None:
    made = random.Random(6)
    few, many = elsewhere / "few.zip", elsewhere / "many.zip"
    few.write_bytes(zip_of(advisory("PYSEC-1"), advisory("PYSEC-2")))
    many.write_bytes(zip_of(*(advisory(f"PYSEC-{n}", details=made.randbytes(600).hex()) for n in range(MANY))))
    brought(data, few, name="source")
    before, said = _known(data), None
    try:
        brought(data, many, name="source")
    except LadingError as error:
        said = error.code
    after = _known(data)
    brought(data, few, name="another")
    sys.stdout.write(json.dumps({"before": before, "said": said, "after": after, "again": len(_known(data))}))


def _known(data: Path) -> list[str]:
    with KeptAdvisories.opened(data / "advisories.db") as kept:
        return [each.id for each in kept.of_package("PyPI", "demo")]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
