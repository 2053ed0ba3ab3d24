"""Images of Docker hosts as scanners read them: looked at first, brought only where a layer is not known.

Our own engine stands in for the host: it hands out the archives that today's daemons do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from lading.backends.content_store.sieved_archive import sieved_archive
from lading.backends.scanners.layout import image_layout
from lading.engine.stores import ContentUnknown
from lading.errors import LadingError
from lading.oci.digest import Digest
from lading.oci.platform import Platform
from lading.services.embedded.environment import EmbeddedEnvironment
from lading.services.environment_images import Details, Summary
from lading.services.findings.scanner import ImageView
from lading.services.inventories.host_views import ArchivedContent, AtHost
from lading.services.inventories.image_views import ImageViews
from lading.services.lookup import ImageUnknown
from lading.wire.message import Cancel, Reader
from tests.fakes.docker_archives import docker_archive, read_to_end, reader
from tests.fakes.embedded import AMD64
from tests.fakes.environment_bench import ADMIN, CANCEL
from tests.fakes.root_images import tar_of
from tests.fakes.scan_bench import ScanBench, scan_bench

NAME = "registry.example/team/app:1"


class Host:
    """An engine that counts what is asked of it; `older`: it calls images by their config, as docker's first store."""

    def __init__(self, environment: EmbeddedEnvironment, *, older: bool = False) -> None:
        self._environment, self._older = environment, older
        self.exports = 0

    def image(self, image: str, cancel: Cancel, platform: Platform | None = None) -> Details:
        details = self._environment.image(image, cancel, platform)
        if not self._older:
            return details
        summary: Summary = replace(details.summary, id=str(Digest.of(b"a config")), root=None)
        return replace(details, summary=summary)

    @contextmanager
    def export(self, images: Sequence[str], cancel: Cancel, platform: Platform | None = None) -> Iterator[Reader]:
        self.exports += 1
        with self._environment.export(images, cancel, platform) as archive:
            yield archive


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[ScanBench]:
    with scan_bench(tmp_path) as made:
        made.load(NAME)
        yield made


@pytest.fixture
def views(bench: ScanBench, tmp_path: Path) -> ImageViews:
    archives = partial(sieved_archive, scratch=tmp_path / "scratch", name="the host's archive")
    return ImageViews(
        lambda: bench.own.places.local().own,
        lambda: bench.own.names,
        AMD64,
        content=ArchivedContent(archives),
        layouts=lambda parts: image_layout(parts, tmp_path / "layouts"),
        known=bench.inventories.known,
    )


def view_of(views: ImageViews, host: Host, image: str = NAME, number: int = 2) -> AbstractContextManager[ImageView]:
    wanted = AtHost(number, host, image, None)  # type: ignore[arg-type]  # no more is asked of an environment
    return views.of_host(wanted, CANCEL)


def test_nothing_is_brought_until_a_layer_is_opened(bench: ScanBench, views: ImageViews) -> None:
    host = Host(bench.own.environment)
    with view_of(views, host) as view:
        assert (view.name, view.platform, view.manifest) == (NAME, AMD64, None)
        assert len(view.layers) > 1
        assert all(layer.descriptor is None for layer in view.layers)
        assert host.exports == 0

        for layer in view.layers:
            with closing(view.open(layer)) as opened:
                assert tar_or_gzip(read_to_end(opened), layer.diff_id)
    assert host.exports == 1


def tar_or_gzip(content: bytes, diff_id: Digest) -> bool:
    return Digest.of(content) == diff_id or content[:2] == b"\x1f\x8b"


def test_the_whole_is_brought_for_other_programs(bench: ScanBench, views: ImageViews) -> None:
    host = Host(bench.own.environment)
    with view_of(views, host) as view, view.layout() as folder:
        assert (folder / "index.json").exists()
        assert len(list((folder / "blobs" / "sha256").iterdir())) == len({*view.layers}) + 2
    assert host.exports == 1


def test_layers_that_are_known_are_not_opened(bench: ScanBench, views: ImageViews) -> None:
    host = Host(bench.own.environment)
    with view_of(views, host) as view:
        first, *others = view.layers
        bench.inventories.kept_layers = frozenset(layer.diff_id for layer in others)
        with closing(view.open(first)) as opened:
            assert read_to_end(opened)


def test_the_content_is_named_by_its_layers_and_by_who_told_of_them(bench: ScanBench, views: ImageViews) -> None:
    """Which config an image has is the host's word alone: what it says of itself is not known of others' content."""
    with (
        view_of(views, Host(bench.own.environment, older=True)) as older,
        view_of(views, Host(bench.own.environment)) as first,
        view_of(views, Host(bench.own.environment), number=3) as elsewhere,
    ):
        assert first.config == older.config
        assert older.id == str(Digest.of(b"a config")) != str(older.config)
        assert elsewhere.config != first.config


def test_what_the_host_does_not_have(bench: ScanBench, views: ImageViews) -> None:
    host = Host(bench.own.environment)
    with pytest.raises(ImageUnknown), view_of(views, host, "registry.example/nothing:1"):
        pass


def test_an_archive_of_something_else_is_refused(bench: ScanBench, views: ImageViews) -> None:
    """The host has been given another image of the name meanwhile."""
    host = Host(bench.own.environment)
    with view_of(views, host) as view:
        another = docker_archive([NAME], [tar_of({"another": b"file"})])
        bench.environments.open(ADMIN, None).load(reader(another), lambda _: None, CANCEL)
        with pytest.raises(LadingError):
            view.open(view.layers[0])


def test_a_view_of_our_own_opens_no_layer_without_a_descriptor(bench: ScanBench) -> None:
    with bench.scans.opened(1, NAME, None, CANCEL) as view, pytest.raises(ContentUnknown):
        view.open(replace(view.layers[0], descriptor=None))
