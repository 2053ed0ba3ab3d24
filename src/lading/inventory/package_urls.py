"""Package URLs: the name of a package that every tool takes (ECMA-427, and the types of purl-spec)."""

from __future__ import annotations

from urllib.parse import quote

from packageurl import PackageURL

from lading.inventory.package import OsRelease, Package, PackageType
from lading.oci.digest import Digest
from lading.oci.reference import Repository


def package_url(package: Package, release: OsRelease | None) -> str:
    """`release` is the distribution that a package of one comes from.

    Of a distribution's package the namespace is its vendor, and architecture, distribution, source package and epoch
    are qualifiers. A golang module's path is its namespace and its name.
    """
    namespace, name, version = package.namespace, package.name, package.version
    qualifiers: dict[str, str] = {}
    if package.type.of_distribution:
        namespace = release.id if release else ""
        if package.type is PackageType.RPM:
            epoch, colon, bare = version.partition(":")
            version = bare if colon else version
            qualifiers["epoch"] = epoch if colon else ""
        qualifiers |= {"arch": package.architecture, "distro": _distribution(release), "upstream": _upstream(package)}
    elif package.type is PackageType.GOLANG and not namespace:
        namespace, _, name = name.rpartition("/")
    present = {key: value for key, value in qualifiers.items() if value}
    return PackageURL(package.type.value, namespace or None, name, version or None, present or None).to_string()


def image_url(repository: Repository | None, digest: Digest) -> str:
    """Of an image by the digest of its manifest (purl-spec, types, oci); `repository` None: nobody knows which."""
    name = "image" if repository is None else repository.path.rpartition("/")[2]
    where = "" if repository is None else f"?repository_url={quote(str(repository), safe='/:')}"
    return f"pkg:oci/{quote(name, safe='')}@{quote(str(digest), safe='')}{where}"


def _distribution(release: OsRelease | None) -> str:
    if release is None:
        return ""
    return f"{release.id}-{release.version_id or release.codename}".rstrip("-")


def _upstream(package: Package) -> str:
    """The source package, with its version where that is another, as scanners write it in this qualifier."""
    if not (package.source_name or package.source_version):
        return ""
    source = package.source_name or package.name
    return f"{source}@{package.source_version}" if package.source_version else source
