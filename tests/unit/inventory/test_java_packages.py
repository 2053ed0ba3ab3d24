"""Java's archives: whose libraries they are and hold."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping

import pytest

from lading.inventory.java_packages import is_java_archive, read_java_archive
from lading.inventory.package import Package, PackageType
from tests.fakes.jars import jar, manifest, pom

LOG4J = pom("org.apache.logging.log4j", "log4j-core", "2.14.1")


def libraries(path: str, content: bytes) -> list[str]:
    read = read_java_archive(path, content)
    assert not read.notes
    return [f"{package.namespace}:{package.name}:{package.version}" for package in read.packages]


@pytest.mark.parametrize(
    ("path", "told"),
    [("app/app.jar", True), ("srv/x.war", True), ("x.ear", True), ("jenkins/plugins/git.jpi", True), ("x.zip", False)],
)
def test_archives_are_known_by_their_names(path: str, told: bool) -> None:
    assert is_java_archive(path) is told


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("before", [b"", b"#!/bin/bash\nexec java -jar $0\n"], ids=["plain", "executable"])
def test_maven_says_what_it_packed(method: int, before: bytes) -> None:
    content = jar(LOG4J, method=method, before=before)

    assert read_java_archive("app/log4j-core-2.14.1.jar", content).packages == (
        Package(
            PackageType.MAVEN, "log4j-core", "2.14.1", "app/log4j-core-2.14.1.jar", namespace="org.apache.logging.log4j"
        ),
    )


def test_a_jar_of_many_libraries_names_them_all() -> None:
    content = jar({**LOG4J, **pom("a.test", "app", "1.0"), "a/test/App.class": b"\xca\xfe\xba\xbe"})

    assert libraries("app/app-1.0.jar", content) == ["org.apache.logging.log4j:log4j-core:2.14.1", "a.test:app:1.0"]


def test_a_jar_of_other_libraries_is_one_itself() -> None:
    content = jar({**LOG4J, **pom("a.test", "x", "1.0"), **manifest(Implementation_Vendor_Id="b.test")})

    assert libraries("app/shaded-3.1.jar", content)[-1] == "b.test:shaded:3.1"
    assert len(libraries("app/shaded.jar", content)) == 2


def test_only_an_archives_own_manifest_and_properties_count() -> None:
    unpacked = {f"WEB-INF/classes/{name}": content for name, content in {**LOG4J, **manifest(Title="x")}.items()}

    assert libraries("app/app.war", jar({**unpacked, "META-INF/pom.properties": b"artifactId=x"})) == []


def test_libraries_in_an_application_in_an_enterprises() -> None:
    library = jar(LOG4J)
    war = jar({"WEB-INF/lib/log4j.jar": library}, method=zipfile.ZIP_STORED)

    (package,) = read_java_archive("srv/all.ear", jar({"web.war": war})).packages

    assert package.name == "log4j-core"
    assert package.evidence == "srv/all.ear!/web.war!/WEB-INF/lib/log4j.jar"


def test_archives_nested_deeper_are_noted() -> None:
    content = jar(LOG4J)
    for _ in range(3):
        content = jar({"inner.jar": content})

    read = read_java_archive("app.jar", content)

    assert not read.packages
    assert read.notes == ("archives are nested too deeply in it",)


@pytest.mark.parametrize(
    ("path", "said", "library"),
    [
        ("lib/guava-31.1-jre.jar", {"Bundle_Version": "31.1.0.jre"}, ":guava:31.1-jre"),
        ("lib/spring-core-5.3.20.jar", {}, "org.springframework:spring-core:5.3.20"),
        ("lib/spring-boot-starter-web-2.7.0.jar", {}, "org.springframework.boot:spring-boot-starter-web:2.7.0"),
        ("lib/hibernate-core-5.6.9.Final.jar", {}, "org.hibernate:hibernate-core:5.6.9.Final"),
        ("lib/hibernate-core-6.1.0.Final.jar", {}, "org.hibernate.orm:hibernate-core:6.1.0.Final"),
        ("lib/groovy-4.0.1.jar", {}, "org.apache.groovy:groovy:4.0.1"),
        ("lib/bcprov-jdk15on-1.60.jar", {}, "org.bouncycastle:bcprov-jdk15on:1.60"),
        ("lib/kafka_2.13-3.2.0.jar", {}, "org.apache.kafka:kafka_2.13:3.2.0"),
        (
            "tomcat/lib/catalina.jar",
            {"Implementation_Title": "Apache Tomcat", "Implementation_Version": "9.0.62"},
            "org.apache.tomcat:tomcat-catalina:9.0.62",
        ),
        (
            "lib/core.jar",
            {
                "Implementation_Title": "demo-core",
                "Implementation_Version": "1.2",
                "Implementation_Vendor_Id": "a.test",
            },
            "a.test:demo-core:1.2",
        ),
        (
            "lib/databind.jar",
            {"Bundle_SymbolicName": "com.example.json.databind;singleton:=true", "Bundle_Version": "2.9.8"},
            "com.example.json:databind:2.9.8",
        ),
        ("lib/ivy-2.4.0.jar", {"Bundle_SymbolicName": "org.apache.ivy"}, "org.apache.ivy:ivy:2.4.0"),
        (
            "lib/failureaccess-1.0.1.jar",
            {"Bundle_SymbolicName": "com.google.guava.failureaccess", "Implementation_Vendor_Id": "com.google"},
            "com.google.guava:failureaccess:1.0.1",
        ),
        (
            "lib/logback-core-1.2.3.jar",
            {"Bundle_SymbolicName": "ch.qos.logback.core"},
            "ch.qos.logback:logback-core:1.2.3",
        ),
        (
            "lib/elasticsearch-8.14.3.jar",
            {"Implementation_Title": "org.elasticsearch#server;8.14.3"},
            "org.elasticsearch:server:8.14.3",
        ),
        (
            "lib/x-1.0.jar",
            {"Implementation_Title": f"a title {'that is long ' * 20}", "Implementation_Vendor_Id": "a.test"},
            "a.test:x:1.0",
        ),
        ("usr/share/java/spring3-core-3.x.jar", {"Implementation_Version": "4.3.30"}, ":spring3-core-3.x:4.3.30"),
    ],
)
def test_a_jar_that_maven_did_not_pack(path: str, said: Mapping[str, str], library: str) -> None:
    assert libraries(path, jar({**manifest(**said), "a/B.class": b""})) == [library]


@pytest.mark.parametrize(
    ("path", "entries"),
    [
        ("app/app.jar", {"a/B.class": b""}),
        ("app/app.jar", manifest(Implementation_Version="the newest")),
        ("app/app.jar", manifest(Implementation_Version="${project.version}")),
        ("app/app.jar", {}),
    ],
)
def test_a_jar_that_does_not_say_is_none(path: str, entries: Mapping[str, bytes]) -> None:
    assert libraries(path, jar(entries)) == []


def test_properties_that_the_build_did_not_fill_in() -> None:
    content = jar({"META-INF/maven/a.test/x/pom.properties": b"version=${revision}\n!no\ngroupId = a.test\n"})

    assert libraries("x.jar", content) == ["a.test:x:"]


# ── hostile


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (b"PK", "it is no whole zip archive"),
        (jar(LOG4J)[:-1], "it is no whole zip archive"),
        (jar(LOG4J)[:-30], "it is no whole zip archive"),
    ],
)
def test_what_is_no_archive_is_noted(content: bytes, note: str) -> None:
    read = read_java_archive("x.jar", content)

    assert not read.packages
    assert read.notes == (note,)


def test_an_archive_within_that_is_none_is_noted() -> None:
    read = read_java_archive("x.jar", jar({"lib/a.jar": b"none", "lib/b.jar": jar(LOG4J)}))

    assert [package.name for package in read.packages] == ["log4j-core"]
    assert read.notes == ("in an archive within it: it is no whole zip archive",)


def test_a_bomb_within_is_not_uncompressed() -> None:
    bomb = jar({"lib/a.jar": bytes(65 * 1024 * 1024)})

    read = read_java_archive("x.jar", bomb)

    assert not read.packages
    assert read.notes == ("in an archive within it: it is too long uncompressed",)


def test_archives_that_share_their_bytes_are_bounded() -> None:
    """As zip bombs are made: a list of many entries that all are the same bytes of the file."""
    content = one_archive_a_thousand_times(jar({"a.jar": bytes(60 * 1024 * 1024)}))

    read = read_java_archive("x.jar", content)

    assert "in an archive within it: it is too long uncompressed" in read.notes


def one_archive_a_thousand_times(inner: bytes) -> bytes:
    single = jar({"lib/a.jar": inner})
    end = single.rindex(b"PK\x05\x06")
    start = single.index(b"PK\x01\x02")
    records = single[start:end] * 1000
    return single[:start] + records + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1000, 1000, len(records), start, 0)


def test_too_many_entries_are_not_walked() -> None:
    record = struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"x"
    records = record * 1_000_001
    content = records + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, len(records), 0, 0)

    assert read_java_archive("x.jar", content).notes == ("it has too many entries",)


def test_places_beyond_the_file_are_nothing() -> None:
    content = bytearray(jar(LOG4J))
    start = content.index(b"PK\x01\x02")
    for position in range(start, len(content) - 4):
        lying = bytearray(content)
        lying[position : position + 4] = b"\xff" * 4
        read_java_archive("x.jar", bytes(lying))


def test_an_encrypted_entry_is_passed_over() -> None:
    content = bytearray(jar(LOG4J))
    content[content.index(b"PK\x01\x02") + 8] |= 1

    assert libraries("log4j.jar", bytes(content)) == []


def test_numbers_of_64_bits() -> None:
    """Archives of four thousand million bytes or more have them; one of few may have them too."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive, archive.open(next(iter(LOG4J)), "w", force_zip64=True) as entry:
        entry.write(next(iter(LOG4J.values())))
    content = written.getvalue()
    end = content.rindex(b"PK\x05\x06")
    start = content.index(b"PK\x01\x02")
    place = content.index(b"PK\x03\x04")
    record = bytearray(content[start:end])
    sizes = struct.unpack_from("<II", record, 20)
    name_size, extra_size = struct.unpack_from("<HH", record, 28)
    record[20:28] = b"\xff" * 8
    record[42:46] = b"\xff" * 4
    extra = struct.pack("<HHQQQ", 1, 24, sizes[1], sizes[0], place)
    record[30:32] = struct.pack("<H", len(extra))
    records = bytes(record[: 46 + name_size]) + extra
    long_end = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, len(records), start)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, start + len(records), 1)
    last = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)

    assert extra_size == 0
    assert libraries("x.jar", content[:start] + records + long_end + locator + last) == [
        "org.apache.logging.log4j:log4j-core:2.14.1"
    ]


def test_an_end_within_the_comment_of_the_end_hides_nothing() -> None:
    """Java takes the end whose comment goes to where the file ends."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("META-INF/maven/org.a/b/pom.properties", "version=1.0\ngroupId=org.a\nartifactId=b\n")
        archive.comment = b"PK\x05\x06" + bytes(16) + b"\x09\x00" + b"text"

    assert [package.name for package in read_java_archive("app/b.jar", file.getvalue()).packages] == ["b"]
