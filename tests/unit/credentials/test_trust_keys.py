"""The folder of Notary's keys: files that docker reads too, passphrases asked once, nothing overwritten."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from lading.backends.credentials.trust_keys import FolderKeys, TrustFolderUnusable
from lading.errors import InputInvalid
from lading.proof.key_files import PassphraseWrong
from lading.proof.signing_keys import KeyInvalid
from lading.proof.tuf_key_files import NotaryKey
from lading.proof.tuf_keys import SigningKey
from lading.services.notary.keys import KeptKey, Passphrase, TrustKeyKept, TrustKeyUnknown
from tests.fakes.notary import counting_random
from tests.fakes.trust_repository import GUN, private

FEW = 2048


class Asked:
    """Answers with one passphrase for root keys and another for the rest, and remembers who asked."""

    def __init__(self, root: str = "of the root", other: str = "of the rest") -> None:
        self.root, self.other = root, other
        self.questions: list[tuple[KeptKey, bool]] = []

    def __call__(self, key: KeptKey, new: bool) -> str:
        self.questions.append((key, new))
        return self.root if key.role == "root" else self.other


def keys_in(folder: Path, asked: Passphrase | None = None) -> FolderKeys:
    return FolderKeys(folder, asked or Asked(), os.urandom, FEW)


def id_of(name: str) -> str:
    return SigningKey(private(name)).key.id


def test_a_folder_that_is_not_there_holds_no_keys(tmp_path: Path) -> None:
    assert keys_in(tmp_path / "none").all() == []
    assert not (tmp_path / "none").exists()


def test_a_key_comes_back_in_another_process(tmp_path: Path) -> None:
    kept = keys_in(tmp_path / "private").keep(private("owner"), "targets", GUN)

    again = keys_in(tmp_path / "private")

    assert again.all() == [kept] == [KeptKey(id_of("owner"), "targets", GUN)]
    assert again.open(kept.id) == private("owner")


def test_the_file_is_docker_s_and_for_the_owner_alone(tmp_path: Path) -> None:
    kept = keys_in(tmp_path / "private").keep(private("owner"), "targets", GUN)
    path = tmp_path / "private" / f"{kept.id}.key"

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert NotaryKey.parse(path.read_bytes(), "of the rest").private == private("owner")
    assert keys_in(tmp_path / "private").file(kept.id) == path.read_bytes()


def test_a_folder_that_others_may_look_into_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "private"
    folder.mkdir(mode=0o755)

    keys_in(folder).make("targets", GUN)

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_root_and_other_keys_have_their_own_passphrases(tmp_path: Path) -> None:
    keys = keys_in(tmp_path)
    root, other = keys.keep(private("root"), "root"), keys.keep(private("owner"), "targets", GUN)

    assert NotaryKey.parse(keys.file(root.id), "of the root").role == "root"
    assert NotaryKey.parse(keys.file(other.id), "of the rest").gun == GUN


def test_a_passphrase_is_asked_for_once(tmp_path: Path) -> None:
    asked = Asked()
    kept = keys_in(tmp_path).keep(private("owner"), "targets", GUN)
    keys = keys_in(tmp_path, asked)

    keys.open(kept.id)
    keys.open(kept.id)

    assert asked.questions == [(kept, False)]


def test_a_wrong_passphrase_is_one_clear_error(tmp_path: Path) -> None:
    kept = keys_in(tmp_path).keep(private("owner"), "targets", GUN)

    with pytest.raises(PassphraseWrong) as refused:
        keys_in(tmp_path, Asked(other="guessed")).open(kept.id)

    assert (str(refused.value), refused.value.why) == (
        "the passphrase does not open the key file",
        f"It is asked for the targets key {kept.id[:12]} of {GUN}.",
    )
    assert "guessed" not in repr(refused.value) + str(refused.value.__dict__)


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    keys = keys_in(tmp_path)
    kept = keys.keep(private("owner"), "targets", GUN)
    before = keys.file(kept.id)

    with pytest.raises(TrustKeyKept):
        keys.keep(private("owner"), "alice")

    assert keys.file(kept.id) == before


def test_the_root_key_is_made_once_by_whoever_is_first(tmp_path: Path) -> None:
    made: list[bytes] = []

    def ask_for_root() -> None:
        made.append(keys_in(tmp_path).root().public.der)

    threads = [threading.Thread(target=ask_for_root) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(made)) == 1
    assert [each.role for each in keys_in(tmp_path).all()] == ["root"]


def test_the_root_key_that_came_last_is_the_one_for_new_repositories(tmp_path: Path) -> None:
    keys = keys_in(tmp_path)
    kept = [keys.keep(private(name), "root") for name in ("first", "second", "third")]
    for seconds, key in zip((3, 9, 6), kept, strict=True):
        os.utime(tmp_path / f"{key.id}.key", (seconds, seconds))

    assert keys_in(tmp_path).root() == private("second")


def test_a_key_that_is_not_kept_is_unknown(tmp_path: Path) -> None:
    for name in ("0" * 64, "../../etc/passwd", ""):
        with pytest.raises(TrustKeyUnknown):
            keys_in(tmp_path).open(name)


def test_a_file_with_another_key_than_its_name_says_is_refused(tmp_path: Path) -> None:
    keys = keys_in(tmp_path)
    kept = keys.keep(private("owner"), "targets", GUN)
    (tmp_path / f"{'0' * 64}.key").write_bytes(keys.file(kept.id))

    with pytest.raises(KeyInvalid):
        keys_in(tmp_path).open("0" * 64)


def test_a_key_whose_passphrase_nobody_gives_is_not_written(tmp_path: Path) -> None:
    def nobody(key: KeptKey, new: bool) -> str:
        raise InputInvalid(key, new)

    with pytest.raises(InputInvalid):
        FolderKeys(tmp_path / "private", nobody, counting_random(), FEW).root()

    assert keys_in(tmp_path / "private").all() == []


def test_a_folder_that_cannot_be_made_is_told_without_its_path_to_who_is_afar(tmp_path: Path) -> None:
    (tmp_path / "private").write_text("a file")

    with pytest.raises(TrustFolderUnusable) as refused:
        keys_in(tmp_path / "private").root()

    assert str(tmp_path) in str(refused.value)
    assert str(tmp_path) not in refused.value.afar
