"""Where everything of the content store lies.

content/
├── oci-layout                   so that other programs may read the folder as an OCI layout
├── index.json                   derived from the names of images, never read back
├── blobs/<alg>/<hex>            the truth: checked, on disk, read-only
├── partial/<alg>/<hex>          bytes of a transfer that has not ended; locked (flock) by the one who fetches it
│              <hex>.ranges      which of them are there
├── referrers/<alg>/<hex>/<alg>-<hex>   empty: the second manifest's subject is the first
├── uploads/<id>                 what clients of our registry are sending; its size is the upload's offset
├── damaged/<alg>/<hex>          what was found to be something else than its name says, until the right bytes come
├── trash/<alg>-<hex>            was a blob and is being removed; what a killed collection left goes with the next one
├── gate                         held shared to lease what exists, exclusively to remove what is not leased
├── gate.door                    where those stand who wait for the gate (see locks.py)
├── collecting  checking         held by the one who collects garbage, or compares blobs with their names
└── users                        held shared by every process that uses the folder, to tell one that is alone
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lading.backends.content_store.locks import exclusive
from lading.backends.content_store.storage import OPEN_FOLDER, PRIVATE_FOLDER, replace_file, storing
from lading.oci.archive import BLOBS, INDEX_FILE, LAYOUT_FILE, LAYOUT_TEXT, blob_member
from lading.oci.digest import HEX_LENGTH, Algorithm, Digest

RANGES = ".ranges"


class Tree:
    """The paths below one content folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.gate, self.users = root / "gate", root / "users"
        self.collecting, self.checking = root / "collecting", root / "checking"
        self.trash = root / "trash"
        self.index = root / INDEX_FILE
        self.uploads = root / "uploads"

    def prepare(self) -> None:
        """Makes the folders that are missing. Raises StorageUnusable, DiskFull."""
        with storing(self.root):
            self.root.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)  # whatever the folder is that it lies in
            for algorithm in Algorithm:
                (self.root / BLOBS / algorithm).mkdir(OPEN_FOLDER, parents=True, exist_ok=True)
            for private in ("partial", "damaged", "referrers", "uploads", "trash"):
                (self.root / private).mkdir(PRIVATE_FOLDER, exist_ok=True)
            for algorithm in Algorithm:
                (self.root / "partial" / algorithm).mkdir(PRIVATE_FOLDER, exist_ok=True)
                (self.root / "damaged" / algorithm).mkdir(PRIVATE_FOLDER, exist_ok=True)
            if not (self.root / LAYOUT_FILE).exists():
                with exclusive(self.gate):  # the first commands of a new folder may come together
                    replace_file(self.root / LAYOUT_FILE, LAYOUT_TEXT, mode=0o644)

    def blob(self, digest: Digest) -> Path:
        return self.root / blob_member(digest)

    def partial(self, digest: Digest) -> Path:
        return self.root / "partial" / digest.algorithm / digest.encoded

    def ranges(self, digest: Digest) -> Path:
        return self.root / "partial" / digest.algorithm / (digest.encoded + RANGES)

    def referrers(self, subject: Digest) -> Path:
        return self.root / "referrers" / subject.algorithm / subject.encoded

    def referrer(self, subject: Digest, referrer: Digest) -> Path:
        return self.referrers(subject) / f"{referrer.algorithm}-{referrer.encoded}"

    def upload(self, session: str) -> Path:
        return self.uploads / session

    def damaged(self, digest: Digest) -> Path:
        return self.root / "damaged" / digest.algorithm / digest.encoded

    def trashed(self, digest: Digest) -> Path:
        return self.trash / f"{digest.algorithm}-{digest.encoded}"

    @property
    def blob_folders(self) -> tuple[Path, ...]:
        """Where blobs lie."""
        return tuple(self.root / BLOBS / algorithm for algorithm in Algorithm)

    def blobs(self) -> Iterator[Path]:
        """Every blob's file, in no order."""
        return self._files(BLOBS)

    def partials(self) -> Iterator[Path]:
        """Every partial's file, in no order; not the journals beside them."""
        return self._files("partial")

    def lone_journals(self) -> Iterator[Path]:
        """Journals whose partial has become a blob: a process was killed between the two."""
        for algorithm in Algorithm:
            for path in (self.root / "partial" / algorithm).glob(f"*{RANGES}"):
                if not path.with_name(path.name.removesuffix(RANGES)).exists():
                    yield path

    def all_damaged(self) -> Iterator[Path]:
        """The file of every blob that was moved aside, in no order."""
        return self._files("damaged")

    def _files(self, folder: str) -> Iterator[Path]:
        for algorithm in Algorithm:
            for path in (self.root / folder / algorithm).iterdir():
                if len(path.name) == HEX_LENGTH[algorithm]:
                    yield path


def digest_at(path: Path) -> Digest:
    """Whose blob or partial stands at this path."""
    return Digest(Algorithm(path.parent.name), path.name)


def referrer_at(path: Path) -> Digest:
    """Which manifest this path under referrers/ stands for."""
    algorithm, _, encoded = path.name.partition("-")
    return Digest(Algorithm(algorithm), encoded)
