"""The Docker hosts that `docker:` places mean: docker's own, and one by its address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from lading import __version__
from lading.backends.docker_client.environment import DockerEnvironment
from lading.backends.docker_client.naming import Names
from lading.backends.http.addresses import resolve_beyond_link
from lading.backends.http.transport import HttpTransport
from lading.backends.machine.docker_host import DockerHost, docker_host
from lading.oci.digest import Digest
from lading.oci.reference import Reference
from lading.services.environments.environment import Environment
from lading.services.environments.orders import Access
from lading.wire.endpoint import Endpoint, Tls
from lading.wire.message import Cancel


@contextmanager
def opened_docker_host(environment: Mapping[str, str], address: str | None = None) -> Iterator[Environment]:
    """The one at an address, else docker's own; `environment` are this process's variables.

    Raises DockerHostInvalid.
    """
    host = docker_host(environment, address)
    endpoint = endpoint_of_host(host)
    transport = HttpTransport(
        lambda name: replace(endpoint, host=name), {}, f"lading/{__version__}", resolve=resolve_beyond_link
    )
    try:
        yield DockerEnvironment(transport, host.origin, host.name, _unproven, Names())
    finally:
        transport.close()


def endpoint_of_host(host: DockerHost) -> Endpoint:
    """How a Docker host that was found on this machine is reached."""
    return Endpoint(
        "docker",
        Tls.VERIFY if host.verify else Tls.SKIP,
        ca_file=host.ca,
        client_certificate=host.certificate,
        client_key=host.key,
        socket=host.socket,
    )


def _unproven(reference: Reference, access: Access, cancel: Cancel) -> Digest | None:  # noqa: ARG001  as Prove asks
    raise AssertionError("nothing is pushed from here")
