"""Feeds: which advisories speak of a package, by the distribution that it stands in or the language it is written in
(OSV schema, Defined Ecosystems).

A feed that is not among those known gives no answer, and then nothing is said of the package, neither good nor bad.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from types import MappingProxyType

from lading.inventory.advisory import indexed_name
from lading.inventory.distributions import DEBIAN_CODENAMES, support, titled
from lading.inventory.package import OsRelease, Package, PackageType

LANGUAGE_ECOSYSTEMS = MappingProxyType(
    {
        PackageType.PYPI: "PyPI",
        PackageType.NPM: "npm",
        PackageType.GOLANG: "Go",
        PackageType.CARGO: "crates.io",
        PackageType.MAVEN: "Maven",
        PackageType.GEM: "RubyGems",
        PackageType.NUGET: "NuGet",
        PackageType.COMPOSER: "Packagist",
    }
)
"""What speaks of packages in a language's own form, by its name in the OSV schema."""

_NAMESPACE_MARK = MappingProxyType({PackageType.MAVEN: ":"})

_BY_BINARY_NAME = frozenset({"AlmaLinux", "Rocky Linux", "Red Hat"})
"""Feeds that name packages as they are installed; all other distributions' name the source they are built from."""

_MENDED_ONLY = frozenset({"almalinux", "alpine", "chainguard", "minimos", "rhel", "rocky", "wolfi"})
"""Distributions, by os-release's id, whose records come with the correction."""

OTHER_SCANNERS = "the scanners grype and trivy know it"


@dataclass(frozen=True, slots=True)
class Feed:
    """What speaks of one kind of packages. No `ecosystems`: nothing does, and `cause` says why in a few words, `notes`
    in sentences. `partial`: it speaks, and yet not of all that is known to be wrong."""

    ecosystems: tuple[str, ...] = ()
    cause: str = ""
    notes: tuple[str, ...] = ()
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """A package as a feed calls it."""

    name: str
    version: str


def language_feed(kind: PackageType, known: Collection[str]) -> Feed:
    """What speaks of packages in a language's own form."""
    ecosystem = LANGUAGE_ECOSYSTEMS[kind]
    if ecosystem in known:
        return Feed((ecosystem,))
    return Feed(cause="no data", notes=(f"No advisories of {ecosystem} are here: its packages are not assessed.",))


def distribution_feed(release: OsRelease | None, known: Collection[str]) -> Feed:
    """What speaks of a distribution's packages. Whether it is still looked after is another question: see `aged`."""
    if release is None:
        return Feed(cause="unknown distribution", notes=("The image does not say which distribution it is.",))
    speaks = _DISTRIBUTIONS.get(release.id)
    title = titled(release)
    if speaks is None:
        return Feed(cause="no feed", notes=(f"Not assessed: {title} has no feed in this scanner; {OTHER_SCANNERS}.",))
    feed = speaks(release, known)
    if feed.ecosystems:
        mended = release.id in _MENDED_ONLY
        note = f"The feed of {title} tells of issues that are mended, not of those that are open."
        return replace(feed, notes=(*feed.notes, note)) if mended else feed
    return replace(feed, cause="no data", notes=(*feed.notes, f"Not assessed: no advisories of {title} are here."))


def package_type(release: OsRelease) -> PackageType | None:
    """The kind of packages that a distribution is made of; None where it is not known."""
    if release.id not in _DISTRIBUTIONS:
        return None
    return _OTHER_TYPES.get(release.id, PackageType.RPM)


def strange(kind: PackageType, release: OsRelease) -> Feed:
    """Packages of one distribution in an image that says it is another, which knows nothing of them: os-release may
    lie, and an image may be put together from two."""
    title = titled(release)
    return Feed(cause=f"not of {title}", notes=(f"Not assessed: {title} is not made of packages of {kind}.",))


def aged(feed: Feed, release: OsRelease, now: float) -> Feed:
    """The same feed, which tells of nothing new once its distribution is not looked after any more. `now` is seconds
    since 1970."""
    supported = support(release)
    if supported is None or now <= supported.until or not feed.ecosystems:
        return feed
    note = f"{titled(release)} is out of support since {supported.day}: newer issues are not in its feed."
    return replace(feed, partial=True, notes=(*feed.notes, note))


def speaking(feed: Feed, version: str) -> tuple[str, ...]:
    """Those of the feed's ecosystems that a version is judged by: one that only Ubuntu's subscribers get, by theirs."""
    subscribed = tuple(name for name in feed.ecosystems if name.startswith("Ubuntu:Pro:"))
    return subscribed if subscribed and "esm" in version else feed.ecosystems


def subject(package: Package, ecosystem: str) -> Subject:
    """A package as the records of `ecosystem` call it."""
    base = ecosystem.partition(":")[0]
    if not package.type.of_distribution:
        return Subject(indexed_name(base, full_name(package)), _without_prefix(package))
    if base in _BY_BINARY_NAME:
        return Subject(package.name, package.version)
    return Subject(package.source_name or package.name, package.source_version or package.version)


def full_name(package: Package) -> str:
    """As people of its ecosystem write it: `@babel/core`, `org.apache:log4j-core`."""
    mark = _NAMESPACE_MARK.get(package.type, "/")
    return f"{package.namespace}{mark}{package.name}" if package.namespace else package.name


def _without_prefix(package: Package) -> str:
    """Records of Go have no `v` before versions."""
    return package.version.removeprefix("v") if package.type is PackageType.GOLANG else package.version


def _debian(release: OsRelease, known: Collection[str]) -> Feed:
    version = release.version_id.partition(".")[0]
    if version:
        return _named(f"Debian:{version}", known)
    version = DEBIAN_CODENAMES.get(release.codename.partition("/")[0], "")
    if not version:
        return Feed()
    note = f"Debian {release.codename} is not released yet: it is judged by what is known of Debian {version}."
    return replace(_named(f"Debian:{version}", known), notes=(note,))


def _ubuntu(release: OsRelease, known: Collection[str]) -> Feed:
    """Corrections that only subscribers get have a feed of their own, which goes on when the other one ends."""
    suffix = f"{release.version_id}:LTS" if _is_long_term(release.version_id) else release.version_id
    return _named(f"Ubuntu:{suffix}", known, f"Ubuntu:Pro:{suffix}")


def _is_long_term(version: str) -> bool:
    """Every April of an even year."""
    year, _, month = version.partition(".")
    return year.isdigit() and int(year) % 2 == 0 and month == "04"


def _alpine(release: OsRelease, known: Collection[str]) -> Feed:
    version = ".".join(release.version_id.split(".")[:2])
    return _named(f"Alpine:v{version}", known)


def _red_hat(release: OsRelease, known: Collection[str]) -> Feed:
    """A feed for each repository; packages do not say which one they come from."""
    major = release.version_id.partition(".")[0]
    wanted = f"Red Hat:enterprise_linux:{major}"
    note = "Red Hat's feed in this form does not say which repository a package is from, and some versions are wrong."
    found = tuple(sorted(name for name in known if name == wanted or name.startswith(f"{wanted}::")))
    return Feed(found, notes=(note,) if found else (), partial=True)


def _suse(release: OsRelease, known: Collection[str]) -> Feed:
    """A feed for the server and one for each of its modules, which images take packages from."""
    major, _, service_pack = release.version_id.partition(".")
    version = f"{major} SP{service_pack}" if service_pack and service_pack != "0" else major
    server = f"SUSE:Linux Enterprise Server {version}"
    found = {
        name for name in known if name.startswith("SUSE:Linux Enterprise Module ") and name.endswith(f" {version}")
    }
    return Feed(tuple(sorted(found | ({server, f"{server}-LTSS"} & set(known)))))


def _openeuler(release: OsRelease, known: Collection[str]) -> Feed:
    version = release.version_id
    return _named(f"openEuler:{version}-LTS", known, f"openEuler:{version}")


def _named(ecosystem: str, known: Collection[str], *others: str) -> Feed:
    return Feed(tuple(name for name in (ecosystem, *others) if name in known))


def _by_major(name: str) -> Callable[[OsRelease, Collection[str]], Feed]:
    return lambda release, known: _named(f"{name}:{release.version_id.partition('.')[0]}", known)


def _by_version(name: str) -> Callable[[OsRelease, Collection[str]], Feed]:
    return lambda release, known: _named(f"{name}:{release.version_id}", known)


def _rolling(name: str) -> Callable[[OsRelease, Collection[str]], Feed]:
    return lambda _, known: _named(name, known)


_OTHER_TYPES = MappingProxyType(
    {
        "alpine": PackageType.APK,
        "chainguard": PackageType.APK,
        "debian": PackageType.DEB,
        "minimos": PackageType.APK,
        "ubuntu": PackageType.DEB,
        "wolfi": PackageType.APK,
    }
)
"""Of all others they are rpm's."""

_DISTRIBUTIONS: MappingProxyType[str, Callable[[OsRelease, Collection[str]], Feed]] = MappingProxyType(
    {
        "almalinux": _by_major("AlmaLinux"),
        "alpine": _alpine,
        "azurelinux": _by_major("Azure Linux"),
        "chainguard": _rolling("Chainguard"),
        "debian": _debian,
        "mageia": _by_major("Mageia"),
        "mariner": _by_major("Azure Linux"),
        "minimos": _rolling("MinimOS"),
        "openeuler": _openeuler,
        "opensuse-leap": lambda release, known: _named(f"openSUSE:Leap {release.version_id}", known),
        "opensuse-tumbleweed": _rolling("openSUSE:Tumbleweed"),
        "photon": _by_version("Photon OS"),
        "rhel": _red_hat,
        "rocky": _by_major("Rocky Linux"),
        "sles": _suse,
        "ubuntu": _ubuntu,
        "wolfi": _rolling("Wolfi"),
    }
)
