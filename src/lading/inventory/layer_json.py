"""Inventories as JSON: how a child process tells them and how they are kept. Read strictly, as whatever was kept.

A package is a list that ends with the last thing known of it:

    [type, name, version, architecture, source name, source version, namespace, evidence, "vendor", license …]

The evidence is left out where it is the file under whose path the list stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from lading.errors import ContentCorrupt
from lading.inventory.layer import CATALOGER_VERSION, ImageInventory, Installed, LayerInventory
from lading.inventory.package import OsRelease, Package, PackageType
from lading.oci.digest import Digest, DigestInvalid, DigestUnsupported

Read = TypeVar("Read")

_LICENSES = 9
"""Where in a package's list the licenses begin."""

_BY_VENDOR = "vendor"


class InventoryInvalid(ContentCorrupt):
    """What was kept is no inventory, or one of another CATALOGER_VERSION; `rule` says what is wrong, after `it`."""

    code = "inventory_invalid"

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule

    def __str__(self) -> str:
        return f"the inventory cannot be read: it {self.rule}"


# ── written


def layer_json(layer: LayerInventory) -> dict[str, object]:
    """As an object that `read_layer` takes."""
    return {
        "version": CATALOGER_VERSION,
        "diffId": str(layer.diff_id),
        "size": layer.size,
        "packages": {
            path: [_package_json(each, path) for each in packages]
            for path, packages in layer.packages.items()
            if packages
        },
        "hides": [path for path, packages in layer.packages.items() if not packages],
        "releases": {path: _release_json(release) for path, release in layer.releases.items()},
        "owned": {path: {name: list(files) for name, files in owned.items()} for path, owned in layer.owned.items()},
        "links": dict(layer.links),
        "implied": list(layer.implied),
        "whiteouts": list(layer.whiteouts),
        "opaque": list(layer.opaque),
        "notes": {path: list(notes) for path, notes in layer.notes.items()},
    }


def image_json(image: ImageInventory) -> dict[str, object]:
    """As an object that `read_image` takes."""
    layers = dict.fromkeys(installed.layer for installed in image.packages)
    numbers = {layer: number for number, layer in enumerate(layers)}
    return {
        "version": CATALOGER_VERSION,
        "release": None if image.release is None else _release_json(image.release),
        "layers": [str(layer) for layer in layers],
        "packages": [[numbers[each.layer], each.owned_by, _package_json(each.package, "")] for each in image.packages],
        "notes": list(image.notes),
    }


def _package_json(package: Package, path: str) -> list[str]:
    values = [
        package.type.value,
        package.name,
        package.version,
        package.architecture,
        package.source_name,
        package.source_version,
        package.namespace,
        "" if package.evidence == path else package.evidence,
        _BY_VENDOR if package.by_vendor else "",
        *package.licenses,
    ]
    while not values[-1]:
        values.pop()
    return values


def _release_json(release: OsRelease) -> dict[str, object]:
    return {
        "id": release.id,
        "versionId": release.version_id,
        "idLike": list(release.id_like),
        "codename": release.codename,
        "name": release.name,
        "fields": dict(release.fields),
    }


# ── read


def read_layer(value: object) -> LayerInventory:
    """Raises InventoryInvalid."""
    members = _inventory(value)
    packages = _map(members, "packages", _packages)
    packages.update(dict.fromkeys(_texts(members.get("hides")), ()))
    return LayerInventory(
        _digest(members.get("diffId")),
        _number(members.get("size")),
        packages,
        _map(members, "releases", lambda _, release: _release(release)),
        _map(members, "owned", lambda _, owned: {name: _texts(files) for name, files in _object(owned).items()}),
        _map(members, "links", lambda _, target: _text(target)),
        _texts(members.get("implied")),
        _texts(members.get("whiteouts")),
        _texts(members.get("opaque")),
        _map(members, "notes", lambda _, notes: _texts(notes)),
    )


def read_image(value: object) -> ImageInventory:
    """Raises InventoryInvalid."""
    members = _inventory(value)
    layers = [_digest(layer) for layer in _list(members.get("layers"))]
    release = members.get("release")
    return ImageInventory(
        None if release is None else _release(release),
        tuple(_installed(each, layers) for each in _list(members.get("packages"))),
        _texts(members.get("notes")),
    )


def _inventory(value: object) -> Mapping[str, object]:
    members = _object(value)
    if members.get("version") != CATALOGER_VERSION:
        raise InventoryInvalid(f"is not of version {CATALOGER_VERSION}")
    return members


def _installed(value: object, layers: list[Digest]) -> Installed:
    values = _list(value)
    if len(values) != 3 or not _number(values[0]) < len(layers):
        raise InventoryInvalid("has a package without its layer")
    return Installed(_package(values[2], ""), layers[_number(values[0])], _text(values[1]))


def _packages(path: str, value: object) -> tuple[Package, ...]:
    return tuple(_package(each, path) for each in _list(value))


def _package(value: object, path: str) -> Package:
    values = list(_texts(value))
    if len(values) < 2:
        raise InventoryInvalid("has a package without a name")
    values += [""] * (_LICENSES - len(values))
    kind, name, version, architecture, source_name, source_version, namespace, evidence, maker, *licenses = values
    try:
        package_type = PackageType(kind)
    except ValueError:
        raise InventoryInvalid("has a package of no known type") from None
    return Package(
        package_type,
        name,
        version,
        evidence or path,
        namespace,
        architecture,
        source_name,
        source_version,
        tuple(licenses),
        maker == _BY_VENDOR,
    )


def _release(value: object) -> OsRelease:
    members = _object(value)
    return OsRelease(
        _text(members.get("id")),
        _text(members.get("versionId")),
        _texts(members.get("idLike")),
        _text(members.get("codename")),
        _text(members.get("name")),
        tuple((name, _text(each)) for name, each in _object(members.get("fields")).items()),
    )


# ── values


def _map(members: Mapping[str, object], name: str, read: Callable[[str, object], Read]) -> dict[str, Read]:
    return {path: read(path, value) for path, value in _object(members.get(name)).items()}


def _object(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise InventoryInvalid("has something else where an object stands")
    return value


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise InventoryInvalid("has something else where a list stands")
    return value


def _texts(value: object) -> tuple[str, ...]:
    return tuple(_text(each) for each in _list(value))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise InventoryInvalid("has something else where a text stands")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise InventoryInvalid("has something else where a number stands")
    return value


def _digest(value: object) -> Digest:
    try:
        return Digest.parse(_text(value))
    except (DigestInvalid, DigestUnsupported) as error:
        raise InventoryInvalid("has no digest where one stands") from error
