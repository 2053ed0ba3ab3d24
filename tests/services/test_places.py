from __future__ import annotations

import pytest

from lading.oci.reference import ReferenceInvalid
from lading.services.places import Archive, DockerImage, Layout, Named, Place, PlaceInvalid, parse_place


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("web", Named("web")),
        ("ghcr.io/acme/web:1.4", Named("ghcr.io/acme/web:1.4")),
        ("localhost:5000/web", Named("localhost:5000/web")),
        ("oci:/srv/images", Layout("/srv/images")),
        ("oci:images:1.4", Layout("images", "1.4")),
        ("oci:images:localhost:5000/a/b:1", Layout("images", "localhost:5000/a/b:1")),
        ("archive:web.tar", Archive("web.tar")),
        ("archive:odd:name.tar", Archive("odd:name.tar")),
        ("-", Archive("-")),
        ("docker:web:1.4", DockerImage("web:1.4")),
        ("docker:0a1b2c3d4e5f", DockerImage("0a1b2c3d4e5f")),
        ("docker:", DockerImage("")),
        ("docker:prod//web:1.4", DockerImage("web:1.4", "prod")),
        ("docker:prod//", DockerImage("", "prod")),
        (
            "docker:tcp://10.0.0.5:2375//ghcr.io/acme/web:1.4",
            DockerImage("ghcr.io/acme/web:1.4", "tcp://10.0.0.5:2375"),
        ),
        ("docker:unix:///run/docker.sock//web", DockerImage("web", "unix:///run/docker.sock")),
    ],
)
def test_a_place_is_read_as_people_write_it_and_written_back(text: str, place: Place) -> None:
    assert parse_place(text) == place
    assert str(place) == text


@pytest.mark.parametrize("text", ["oci:", "archive:", "oci::1", "docker://nginx", "docker:tcp://10.0.0.5:2375/web"])
def test_a_place_without_a_path_is_refused(text: str) -> None:
    with pytest.raises(PlaceInvalid):
        parse_place(text)


def test_a_name_stands_for_its_whole_reference() -> None:
    assert str(Named("web").reference) == "docker.io/library/web:latest"
    with pytest.raises(ReferenceInvalid):
        _ = Named("Web").reference
