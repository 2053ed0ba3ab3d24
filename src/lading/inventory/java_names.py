"""What a Java library is called in Maven's words: from pom.properties, from its manifest, from its file's name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lading.inventory.evidence_json import word


@dataclass(frozen=True, slots=True)
class Library:
    """A library by its coordinates. Group and version may be unknown, and then are empty."""

    group: str
    artifact: str
    version: str


def pom_library(group: bytes, artifact: bytes, properties: bytes) -> Library | None:
    """The library that a pom.properties tells of; group and artifact are those of its path, where it does not say."""
    said = dict(_properties(properties))
    name = _name(said.get("artifactId", "")) or _name(artifact.decode("utf-8", "replace"))
    space = _name(said.get("groupId", "")) or _name(group.decode("utf-8", "replace"))
    return Library(space, name, _version(said.get("version", ""))) if name else None


def library_of(file_name: str, manifest: bytes, within: Sequence[Library]) -> Library | None:
    """The library that an archive itself is, where none of those `within` it, by their pom.properties, is that one.

    The file's name goes before the manifest: that has the version in OSGi's form (31.1.0.jre for 31.1-jre), or one of
    the specification it follows.
    """
    stem = file_name.rpartition(".")[0]
    named = _VERSIONED.fullmatch(stem)
    if len(within) == 1 or any(_is_called(stem, library.artifact) for library in within):
        return None
    if within and named is None:
        return None
    said = _main_section(manifest)
    if whole := _WHOLE.fullmatch(said.get("implementation-title", "")):
        return Library(whole[1], whole[2], whole[3])
    artifact = _name(named[1]) if named else _title(said, stem)
    version = _version(named[2]) if named else _manifest_version(said)
    artifact = _tomcat_artifact(artifact, said)
    if not artifact or not version:
        return None
    return Library(_group(artifact, version, said), artifact, version)


_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}")
_VERSION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,100}")
_WHOLE = re.compile(r"([A-Za-z0-9_.-]{1,200})#([A-Za-z0-9_.-]{1,200});([A-Za-z0-9_.+-]{1,100})")
"""A title that is all three, as Gradle's plugins for published libraries write it."""
_VERSIONED = re.compile(r"([A-Za-z][A-Za-z0-9_.-]{0,200}?)-(\d(?!\.x$)[A-Za-z0-9_.+-]{0,100})")


def _name(text: str) -> str:
    text = word(text)
    return text if _NAME.fullmatch(text) else ""


def _version(text: str) -> str:
    """A version; empty where it is a variable that the build left in its place, or a sentence."""
    text = word(text)
    return text if _VERSION.fullmatch(text) else ""


def _is_called(stem: str, artifact: str) -> bool:
    return stem == artifact or stem.startswith(f"{artifact}-")


def _properties(content: bytes) -> Iterator[tuple[str, str]]:
    for line in content.decode("utf-8", "replace").splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith(("#", "!")):
            yield name.strip(), value.replace("\\", "")


def _main_section(manifest: bytes) -> Mapping[str, str]:
    """The attributes of the archive as a whole, by their names in lower case; long lines go on after a blank."""
    text = manifest.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").replace("\n ", "")
    main = text.partition("\n\n")[0]
    fields = (line.partition(":") for line in main.splitlines())
    return {name.strip().lower(): value.strip() for name, colon, value in fields if colon}


def _title(said: Mapping[str, str], stem: str) -> str:
    """The title where it could be an artifact's name, else the file's."""
    titles = (said.get("implementation-title", ""), stem)
    return next((title for title in map(_name, titles) if title and "." not in title), _name(stem))


def _manifest_version(said: Mapping[str, str]) -> str:
    return _version(said.get("implementation-version", "")) or _version(said.get("bundle-version", ""))


def _group(artifact: str, version: str, said: Mapping[str, str]) -> str:
    """The group: of a project known to build without Maven; else of the bundle's name, which is made of group and
    artifact; else the vendor's id, which Maven sets to it."""
    for pattern, group in _WITHOUT_MAVEN:
        if pattern.fullmatch(artifact):
            return _moved(group, version)
    vendor = _name(said.get("implementation-vendor-id", ""))
    bundle = _name(said.get("bundle-symbolicname", "").partition(";")[0])
    return _bundle_group(bundle, artifact) or (vendor if "." in vendor else "")


def _bundle_group(bundle: str, artifact: str) -> str:
    """The group in a bundle's name. Maven's plugin leaves out what both have: of ch.qos.logback and logback-core it
    makes ch.qos.logback.core, of org.apache.ivy and ivy org.apache.ivy."""
    before, _, last = bundle.rpartition(".")
    if artifact == last:
        return before if before.count(".") >= 2 else bundle
    return before if artifact == f"{before.rpartition('.')[2]}-{last}" else ""


def _moved(group: str, version: str) -> str:
    """Two projects took another group with a great version."""
    major = int(version.partition(".")[0]) if version.partition(".")[0].isdecimal() else 0
    if group == "org.codehaus.groovy" and major >= 4:
        return "org.apache.groovy"
    return "org.hibernate.orm" if group == "org.hibernate" and major >= 6 else group


def _tomcat_artifact(artifact: str, said: Mapping[str, str]) -> str:
    """Tomcat's own folder calls its libraries otherwise than Maven's repository does."""
    is_tomcat = said.get("implementation-title") == "Apache Tomcat"
    return _TOMCAT.get(artifact, artifact) if is_tomcat else artifact


_TOMCAT = {
    "catalina": "tomcat-catalina",
    "catalina-ant": "tomcat-catalina-ant",
    "catalina-ha": "tomcat-catalina-ha",
    "catalina-storeconfig": "tomcat-storeconfig",
    "catalina-tribes": "tomcat-tribes",
    "jasper": "tomcat-jasper",
    "jasper-el": "tomcat-jasper-el",
}

_WITHOUT_MAVEN = tuple(
    (re.compile(pattern), group)
    for pattern, group in (
        (r"spring-boot(?:-.+)?", "org.springframework.boot"),
        (r"spring-security-.+", "org.springframework.security"),
        (
            r"spring-(?:aop|aspects|beans|context|context-indexer|context-support|core|expression|instrument|jcl|jdbc|jms"
            r"|messaging|orm|oxm|r2dbc|test|tx|web|webflux|webmvc|websocket)",
            "org.springframework",
        ),
        (r"tomcat-embed-.+", "org.apache.tomcat.embed"),
        (r"tomcat-.+", "org.apache.tomcat"),
        (r"kotlin-(?:stdlib|reflect)(?:-.+)?", "org.jetbrains.kotlin"),
        (r"okhttp", "com.squareup.okhttp3"),
        (r"okio(?:-jvm)?", "com.squareup.okio"),
        (r"reactor-core", "io.projectreactor"),
        (r"reactor-netty(?:-.+)?", "io.projectreactor.netty"),
        (r"groovy(?:-.+)?", "org.codehaus.groovy"),
        (r"hibernate-core", "org.hibernate"),
        (r"lucene-.+", "org.apache.lucene"),
        (r"elasticsearch(?:-.+)?", "org.elasticsearch"),
        (r"opensearch(?:-.+)?", "org.opensearch"),
        (r"kafka(?:-.+|_2\.\d+)", "org.apache.kafka"),
        (r"micrometer-.+", "io.micrometer"),
        (r"graphql-java", "com.graphql-java"),
        (r"bc(?:prov|pkix|pg|mail|tls|util|fips)-.+", "org.bouncycastle"),
        (r"postgresql", "org.postgresql"),
        (r"mysql-connector-java", "mysql"),
        (r"mysql-connector-j", "com.mysql"),
        (r"derby(?:client|net|shared|tools)?", "org.apache.derby"),
    )
)
