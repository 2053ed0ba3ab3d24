"""`index.json` of an OCI layout: which images it holds and what they are called (image-spec, image-layout.md).

Edits keep what other tools wrote, known to us or not: only the entries that change are touched.

    {"schemaVersion":2,"mediaType":…,"manifests":[
      {"mediaType":…,"digest":…,"size":…,"annotations":{"org.opencontainers.image.ref.name":"docker.io/library/app:1"}}]}
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from lading.oci.archive import CONTAINERD_NAME, INDEX_FILE, REF_NAME, ArchiveInvalid
from lading.oci.descriptor import NO_ANNOTATIONS, Descriptor
from lading.oci.digest import Digest
from lading.oci.document import Members, read_object, write_json
from lading.oci.manifest import Index, ManifestInvalid, parse_manifest
from lading.oci.media_types import OCI_INDEX
from lading.oci.reference import Reference, ReferenceInvalid

EMPTY = Index.build(()).raw
"""What a layout without any image holds."""


def read_index(raw: bytes) -> tuple[Descriptor, ...]:
    """The entries. Raises ArchiveInvalid."""
    try:
        index = parse_manifest(raw, OCI_INDEX)
    except ManifestInvalid as error:
        raise ArchiveInvalid(INDEX_FILE, f"is wrong: {error}") from error
    return index.children


def entry_name(entry: Descriptor) -> str:
    """What an entry is called: the whole reference where a tool wrote one, else its `ref.name`, which may be a tag.

    An entry without a name is called by its digest.
    """
    name = entry.annotations.get(REF_NAME)
    if name and whole_reference(name):
        return name
    return entry.annotations.get(CONTAINERD_NAME) or name or str(entry.digest)


def is_named(entry: Descriptor) -> bool:
    """Whether a tool gave it a name."""
    return entry_name(entry) != str(entry.digest)


def whole_reference(name: str) -> Reference | None:
    """The reference that a name spells out with its tag; None for a tag alone, and for a digest."""
    if Digest.if_valid(name) is not None:
        return None
    try:
        reference = Reference.parse(name)
    except ReferenceInvalid:
        return None
    return reference if reference.tag else None


def find(entries: tuple[Descriptor, ...], name: str) -> Descriptor | None:
    """The entry a person means by `name`: its exact name, the reference it stands for, its digest, or its tag alone.

    Raises ArchiveInvalid where two different images answer equally well.
    """
    for answers in (_is_called, _is_same_reference, _is_digest, _is_tagged):
        matches = {entry.digest: entry for entry in entries if answers(entry, name)}
        if len(matches) > 1:
            raise ArchiveInvalid(INDEX_FILE, f"calls {len(matches)} different images {name[:160]!r}")
        if matches:
            return next(iter(matches.values()))
    return None


def called(entries: Iterable[Descriptor]) -> Mapping[str, Descriptor]:
    """The entries by their exact names, for who asks for many; a name that two different images have is left out."""
    found: dict[str, Descriptor] = {}
    shared: set[str] = set()
    for entry in entries:
        name = entry_name(entry)
        if found.setdefault(name, entry).digest != entry.digest:
            shared.add(name)
    return {name: entry for name, entry in found.items() if name not in shared}


def bare(entry: Descriptor) -> Descriptor:
    """What is named, without what the index says of it: names belong to the layout, not to the image."""
    return replace(entry, platform=None, annotations=NO_ANNOTATIONS, artifact_type=None)


def named(descriptor: Descriptor, name: str) -> Descriptor:
    """An entry called `name`, under containerd's annotation too where that is a whole reference.

    Its own digest as the name makes it nameless.
    """
    if name == str(descriptor.digest):
        return bare(descriptor)
    annotations = {REF_NAME: name}
    if reference := whole_reference(name):
        annotations[CONTAINERD_NAME] = str(reference)
    return replace(bare(descriptor), annotations=annotations)


def point(raw: bytes, name: str, descriptor: Descriptor) -> bytes:
    """`raw` with `name` for this manifest, and for no other. Raises ArchiveInvalid."""
    return _edited(raw, lambda entry: not _is_called(entry, name), named(descriptor, name))


def forget(raw: bytes, name: str) -> bytes:
    """`raw` without the entries called exactly `name`; the same bytes where there is none. Raises ArchiveInvalid."""
    if not any(_is_called(entry, name) for entry in read_index(raw)):
        return raw
    return _edited(raw, lambda entry: not _is_called(entry, name), None)


def mention(raw: bytes, descriptor: Descriptor) -> bytes:
    """`raw` with a nameless entry for this manifest, where none speaks of it yet. Raises ArchiveInvalid."""
    if any(entry.digest == descriptor.digest for entry in read_index(raw)):
        return raw
    return _edited(raw, lambda _entry: True, descriptor)


def _edited(raw: bytes, keep: Callable[[Descriptor], bool], added: Descriptor | None) -> bytes:
    entries = read_index(raw)
    members: Members = read_object(raw, ArchiveInvalid).members
    written = members.get("manifests") or []
    assert isinstance(written, list)  # read_index has looked
    kept = [entry for entry, read in zip(written, entries, strict=True) if keep(read)]
    return write_json({**members, "manifests": [*kept, *([added.written()] if added else [])]})


def _is_called(entry: Descriptor, name: str) -> bool:
    return entry_name(entry) == name


def _is_same_reference(entry: Descriptor, name: str) -> bool:
    wanted, offered = whole_reference(name), whole_reference(entry_name(entry))
    return wanted is not None and wanted == offered


def _is_digest(entry: Descriptor, name: str) -> bool:
    return Digest.if_valid(name) == entry.digest


def _is_tagged(entry: Descriptor, name: str) -> bool:
    whole = whole_reference(entry_name(entry))
    return name == (whole.tag if whole else entry.annotations.get(REF_NAME))
