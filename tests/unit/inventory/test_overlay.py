"""Layers over layers."""

from __future__ import annotations

import pytest

from lading.inventory.evidence import Evidence, EvidenceRead
from lading.inventory.overlay import image_inventory
from lading.inventory.package import Package, PackageType
from tests.fakes.layers import FOLDER, HardLink, Symlink, image, layer, names
from tests.fakes.rpm_databases import bdb_database, ndb_database, package_header

STATUS = "var/lib/dpkg/status"


def metadata(name: str, version: str) -> str:
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"


def distribution(name: str, version: str) -> str:
    return f"Package: {name}\nStatus: install ok installed\nVersion: {version}\nArchitecture: amd64\n\n"


SITE = "usr/local/lib/python3.11/site-packages"
JINJA = {f"{SITE}/jinja2-2.10.dist-info/METADATA": metadata("jinja2", "2.10")}
URLLIB = {f"{SITE}/urllib3-1.24.dist-info/METADATA": metadata("urllib3", "1.24")}


def test_layers_add_up_and_each_package_knows_its_layer() -> None:
    layers = [layer(JINJA), layer(URLLIB)]

    found = image_inventory(layers)

    assert [(each.package.name, each.layer) for each in found.packages] == [
        ("jinja2", layers[0].diff_id),
        ("urllib3", layers[1].diff_id),
    ]


@pytest.mark.parametrize(
    "hidden",
    [
        {f"{SITE}/jinja2-2.10.dist-info/.wh.METADATA": ""},
        {f"{SITE}/.wh.jinja2-2.10.dist-info": ""},
        {"usr/.wh.local": ""},
        {f"{SITE}/.wh..wh..opq": ""},
        {f"{SITE}/jinja2-2.10.dist-info": Symlink("elsewhere")},
        {"usr/local": "a file"},
        {".wh..wh..opq": ""},
    ],
)
def test_what_an_upper_layer_hides_is_not_installed(hidden: dict[str, str]) -> None:
    assert names(image(JINJA, hidden)) == []
    assert names(image(JINJA, hidden, JINJA)) == ["jinja2 2.10"]


def test_a_file_that_says_nothing_takes_the_place_of_one_that_did() -> None:
    manifest = "node_modules/a/package.json"

    assert names(image({manifest: '{"name":"a","version":"1"}'}, {manifest: "{}"})) == []
    assert names(image({manifest: '{"name":"a","version":"1"}'}, {manifest: Symlink("/b")})) == []


@pytest.mark.parametrize(
    "beside",
    [
        {f"{SITE}/.wh.jinja2": ""},
        {f"{SITE}/jinja2/.wh..wh..opq": ""},
        {f"{SITE}/jinja2-2.10.dist-info/RECORD": ""},
        {f"{SITE}/jinja2-2.10.dist-info/": FOLDER},
    ],
)
def test_what_lies_beside_hides_nothing(beside: dict[str, str]) -> None:
    assert names(image(JINJA, beside)) == ["jinja2 2.10"]


def test_a_layer_hides_nothing_of_its_own() -> None:
    opaque = {f"{SITE}/.wh..wh..opq": "", **URLLIB}
    replaced = {f"{SITE}/.wh.urllib3-1.24.dist-info": "", **URLLIB}

    assert names(image(JINJA, opaque)) == ["urllib3 1.24"]
    assert names(image({}, {**URLLIB, f"{SITE}/.wh.urllib3-1.24.dist-info": ""})) == ["urllib3 1.24"]
    assert names(image(JINJA, replaced)) == ["jinja2 2.10", "urllib3 1.24"]


def test_a_folder_takes_the_place_of_a_file() -> None:
    program = {"opt/tool": "x"}

    assert names(image(program, {"opt/tool/jinja2-2.10.dist-info/METADATA": metadata("jinja2", "2.10")})) == [
        "jinja2 2.10"
    ]


def test_a_database_that_is_written_again_keeps_who_brought_what() -> None:
    layers = [
        layer({STATUS: distribution("a", "1") + distribution("b", "1")}),
        layer({STATUS: distribution("a", "1") + distribution("b", "2") + distribution("c", "1")}),
        layer({STATUS: distribution("a", "1") + distribution("b", "2")}),
    ]

    found = image_inventory(layers)

    assert [(each.package.name, each.package.version, each.layer) for each in found.packages] == [
        ("a", "1", layers[0].diff_id),
        ("b", "2", layers[1].diff_id),
    ]


# ── symbolic links


def test_a_merged_usr_is_one_place() -> None:
    base = {"bin": Symlink("usr/bin"), "lib": Symlink("usr/lib"), "usr/lib/": FOLDER}
    database = "P:a\nV:1\nF:lib/python3/x.dist-info\nR:METADATA\n"
    upper = {"lib/apk/db/installed": database, "lib/python3/x.dist-info/METADATA": metadata("x", "1")}

    found = image(base, upper)

    assert names(found) == ["a 1", "x 1 (a)"]
    assert [each.package.evidence for each in found.packages] == [
        "usr/lib/apk/db/installed",
        "usr/lib/python3/x.dist-info/METADATA",
    ]
    assert names(image(base, upper, {"usr/lib/python3/.wh.x.dist-info": ""})) == ["a 1"]


def test_a_link_behind_a_link_takes_no_links_place() -> None:
    base = {"lib": Symlink("usr/lib"), "usr/lib/": FOLDER}
    upper = {"lib/python": Symlink("python3")}
    database = {"lib/apk/db/installed": "P:a\nV:1\n"}

    assert [each.package.evidence for each in image(base, upper, database).packages] == ["usr/lib/apk/db/installed"]


def test_a_folder_that_a_layer_names_takes_a_links_place() -> None:
    base = {
        "app/current": Symlink("releases/1"),
        "app/releases/1/node_modules/a/package.json": '{"name":"a","version":"1"}',
    }
    upper = {"app/current/": FOLDER, "app/current/node_modules/a/package.json": '{"name":"a","version":"2"}'}

    assert names(image(base, upper)) == ["a 1", "a 2"]


def test_a_link_in_place_of_a_folder_hides_it() -> None:
    upper = {"usr/local/lib": Symlink("/opt/lib"), "opt/lib/x-1.dist-info/METADATA": metadata("x", "1")}

    assert names(image(JINJA, upper)) == ["x 1"]


def test_a_database_behind_a_link_is_read_once() -> None:
    rpm = ndb_database([package_header("bash", "5", "1")])
    linked = {"var/lib/rpm": Symlink("../../usr/lib/sysimage/rpm"), "usr/lib/sysimage/rpm/Packages.db": rpm}

    assert names(image(linked)) == ["bash 5-1"]
    assert names(image({"var/lib/rpm/Packages.db": rpm}, {"var/lib/rpm/.wh.Packages.db": "", **linked})) == ["bash 5-1"]


def test_a_database_that_a_link_puts_elsewhere_is_noted() -> None:
    elsewhere = {"var/lib/dpkg": Symlink("/opt/dpkg"), "opt/dpkg/status": distribution("a", "1")}

    assert image(elsewhere).notes == (
        "var/lib/dpkg/status: it leads to opt/dpkg/status, where no database of packages is looked for",
    )
    assert image({"var/lib/dpkg": Symlink("/usr/lib/dpkg"), "usr/lib/dpkg/status": distribution("a", "1")}).notes == ()


def test_evidence_behind_a_link_is_told_where_it_is() -> None:
    through = image(
        {"a/node_modules": Symlink("../b")}, {"a/node_modules/x/package.json": '{"name":"x","version":"1"}'}
    )

    assert [each.package.evidence for each in through.packages] == ["b/x/package.json"]


def test_links_in_circles_end() -> None:
    circle = {"a": Symlink("b"), "b": Symlink("a"), "lib": Symlink("lib"), "etc/os-release": Symlink("/a/x")}

    found = image(circle, {"lib/apk/db/installed": "P:a\nV:1\n"})

    assert names(found) == ["a 1"]
    assert found.release is None


def test_nothing_leads_out_of_the_root() -> None:
    release = {"etc/os-release": Symlink("../../../../usr/lib/os-release"), "usr/lib/os-release": "ID=debian"}

    found = image(release).release

    assert found is not None
    assert found.id == "debian"


def test_hard_links_are_files_of_their_own() -> None:
    hard = {**JINJA, "srv/jinja2-2.10.dist-info/METADATA": HardLink(f"{SITE}/jinja2-2.10.dist-info/METADATA")}

    assert names(image(hard)) == ["jinja2 2.10", "jinja2 2.10"]
    assert names(image(hard, {f"{SITE}/.wh.jinja2-2.10.dist-info": ""})) == ["jinja2 2.10"]


# ── owners

DIST = "usr/lib/python3/dist-packages"
EGG = f"{DIST}/Jinja2-3.1.2.egg-info"
APT_JINJA = {
    STATUS: distribution("python3-jinja2", "3.1.2-1"),
    "var/lib/dpkg/info/python3-jinja2.list": f"/.\n/usr\n/{DIST}\n/{EGG}\n/{EGG}/PKG-INFO\n",
    f"{EGG}/PKG-INFO": metadata("Jinja2", "3.1.2"),
}


def test_what_a_package_of_the_distribution_brought_is_its_own() -> None:
    found = names(image({**APT_JINJA, **JINJA}))

    assert [name.lower() for name in found] == [
        "python3-jinja2 3.1.2-1",
        "jinja2 2.10",
        "jinja2 3.1.2 (python3-jinja2)",
    ]


def test_owned_files_are_found_through_links() -> None:
    usr_merged = {
        "lib": Symlink("usr/lib"),
        STATUS: distribution("a", "1"),
        "var/lib/dpkg/info/a.list": "/lib/x-1.dist-info/METADATA\n",
        "usr/lib/x-1.dist-info/METADATA": metadata("x", "1"),
    }

    assert names(image(usr_merged)) == ["a 1", "x 1 (a)"]


def test_another_version_over_an_owned_file_is_nobodys() -> None:
    over = {f"{EGG}/PKG-INFO": metadata("jinja2", "3.9")}

    expected = ["python3-jinja2 3.1.2-1", "jinja2 3.9"]
    assert [name.lower() for name in names(image(APT_JINJA, over))] == expected
    assert [name.lower() for name in names(image(APT_JINJA, over, over))] == expected


def test_the_same_content_in_a_later_layer_stays_owned() -> None:
    """A `chmod -R` writes every file again."""
    again = {f"{EGG}/PKG-INFO": metadata("Jinja2", "3.1.2")}

    found = image(APT_JINJA, again)

    assert [each.owned_by for each in found.packages] == ["", "python3-jinja2"]
    assert len({each.layer for each in found.packages}) == 1


def test_an_upgraded_package_owns_what_it_brought() -> None:
    """The distribution's new version comes with the new file, in one layer."""
    upgrade = {
        STATUS: distribution("python3-jinja2", "3.1.3-1"),
        "var/lib/dpkg/info/python3-jinja2.list": f"/{EGG}/PKG-INFO\n",
        f"{EGG}/PKG-INFO": metadata("Jinja2", "3.1.3"),
    }

    assert [each.owned_by for each in image(APT_JINJA, upgrade).packages] == ["", "python3-jinja2"]


def test_a_list_that_is_gone_owns_nothing() -> None:
    found = image(
        APT_JINJA, {"var/lib/dpkg/info/.wh.python3-jinja2.list": "", "var/lib/dpkg/info/b.list": "/usr/bin/b\n"}
    )

    assert [each.owned_by for each in found.packages] == ["", ""]


def test_without_any_list_what_lies_in_dpkgs_folder_is_the_distributions() -> None:
    distroless = {
        "var/lib/dpkg/status.d/python3-jinja2": distribution("python3-jinja2", "3.1.2-1"),
        f"{EGG}/PKG-INFO": metadata("Jinja2", "3.1.2"),
        **JINJA,
    }

    assert [each.owned_by for each in image(distroless).packages] == ["", "", "dpkg"]
    assert [each.owned_by for each in image({**JINJA}).packages] == [""]


# ── notes


def test_notes_are_told_of_files_that_are_there() -> None:
    broken = {"var/lib/rpm/Packages.db": "x"}

    assert image(broken).notes == ("var/lib/rpm/Packages.db: it has no page of slots",)
    assert image(broken, {"var/lib/.wh.rpm": ""}).notes == ()


def test_a_distribution_without_its_packages_is_told() -> None:
    """Whoever removes the database hides what is installed."""
    base = {"etc/os-release": 'ID=debian\nNAME="Debian GNU/Linux"\n', STATUS: distribution("a", "1")}

    assert image(base).notes == ()
    assert image(base, {"var/lib/.wh.dpkg": ""}).notes == ("no package of Debian GNU/Linux was found",)


def test_no_layers_are_an_empty_image() -> None:
    found = image_inventory([])

    assert (found.release, found.packages, found.notes) == (None, (), ())


def test_what_lies_inside_a_file_keeps_its_place_there() -> None:
    """As in archives within archives."""

    def nested(path: str, content: bytes) -> EvidenceRead:
        return EvidenceRead((Package(PackageType.MAVEN, content.decode(), "1", f"{path}!/inner.jar"),))

    jars = (Evidence("jars", lambda path: path.endswith(".jar"), nested),)
    layers = [
        layer(
            {"opt/app": Symlink("app-1"), "opt/app-1/a.jar": "a", "opt/app-1/b.jar": HardLink("opt/app-1/a.jar")}, jars
        ),
        layer({"opt/app/c.jar": "c"}, jars),
    ]

    assert [each.package.evidence for each in image_inventory(layers).packages] == [
        "opt/app-1/a.jar!/inner.jar",
        "opt/app-1/b.jar!/inner.jar",
        "opt/app-1/c.jar!/inner.jar",
    ]


def test_a_database_that_is_passed_over_is_noted_where_it_knows_more() -> None:
    """rpm of CentOS 7 reads the older form; a newer one beside it, with less in it, would hide what is installed."""
    both = {
        "var/lib/rpm/Packages": bdb_database([package_header("openssl", "1", "1"), package_header("bash", "5", "1")]),
        "var/lib/rpm/Packages.db": ndb_database([package_header("bash", "5", "1")]),
    }

    found = image(both)

    assert names(found) == ["bash 5-1"]
    assert found.notes == (
        "var/lib/rpm/Packages: it names packages that var/lib/rpm/Packages.db does not (1), and is taken to be left"
        " over",
    )
