"""`lading serve`: the API, its pages and the registry."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import click

from lading.errors import Cancelled
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Command
from lading.fronts.cli.options import scanner_options, setting
from lading.fronts.cli.running import Serving

WAIT_SECONDS = 3600.0


@click.command(cls=Command)
@setting("--host", metavar="ADDRESS", help="The address to listen on (127.0.0.1).")
@setting("--port", metavar="PORT", help="The API's port (3000).")
@setting("--registry-port", metavar="PORT", help="The registry's port (5000, or the next free one at the first start).")
@setting("--registry-processes", metavar="N", help="Processes that serve the registry (1: this one).")
@setting("--public-url", metavar="URL", help="How others reach the API.")
@setting("--registry-public-url", metavar="URL", help="How others reach the registry.")
@setting("--replica-listen", metavar="HOST:PORT", help="Where other servers of the same database ask for agents.")
@setting("--replica-url", metavar="URL", help="How those servers reach it (http:// or https:// and that).")
@setting("--agent-buffer", metavar="BYTES", help="Held of an agent's answer that is read slowly (256Mi).")
@setting("--trusted-proxies", metavar="ADDRESSES", help="Proxies whose X-Forwarded-For counts.")
@setting("--tls-cert", metavar="FILE", help="A PEM file: the certificate of both, read again on SIGHUP.")
@setting("--tls-key", metavar="FILE", help="A PEM file: its key.")
@setting("--database", metavar="URL", help="Where rows are kept, like postgresql://… (SQLite in the data folder).")
@setting("--storage", metavar="PLACE", help="Where content is kept: s3://BUCKET/PREFIX (in the data folder).")
@setting("--storage-moved-from", metavar="PLACE", help="Where content was, of which all was moved: folder or s3://….")
@setting("--storage-redirect", is_flag=True, help="Have clients fetch blobs from there, by signed addresses.")
@setting("--workers", is_flag=True, help="Hand jobs over to lading worker of the same database and storage.")
@setting("--limit-rate", metavar="RATE", help="At most this many bytes a second, of all transfers together, like 10M.")
@setting("--keep-free", metavar="BYTES", help="No upload or pull begins with less of the disk free (1Gi).")
@setting("--keep-free-percent", metavar="PERCENT", help="The same as a part of the disk (5); the larger counts.")
@setting("--keep-unfinished", metavar="TIME", help="How long what an interrupted transfer left is kept (7d).")
@setting("--check-rate", metavar="RATE", help="How fast kept content is read again to check it (20M; 0 is never).")
@setting("--check-every", metavar="TIME", help="How long it takes to check all of it once (30d).")
@setting("--advisories-every", metavar="TIME", help="How often advisories are brought up to date, like 1d (never).")
@setting("--advisories-url", metavar="URL", help="From where: a mirror of OSV's dumps (OSV's own).")
@setting("--scan-every", metavar="TIME", help="How often all images are scanned, where a scanner is chosen (never).")
@setting("--scanner-update-every", metavar="TIME", help="How often grype's and trivy's databases are fetched (never).")
@scanner_options
@setting(
    "--docker-api",
    multiple=True,
    metavar="ADDRESS",
    help="Serve docker there too: unix:///PATH or tcp://HOST:PORT, perhaps with ?env=ID; off: not in the data folder.",
)
@setting("--docker-api-group", metavar="GROUP", help="Who may use its sockets beside this user.")
@setting("--docker-api-role", metavar="ROLE", help="What users of this machine may there at first (operator).")
@setting("--push-lanes", metavar="N", help="Layers that one push moves at a time (5).")
@setting("--pull-lanes", metavar="N", help="Layers that one pull moves at a time (3).")
@setting("--host-lanes", metavar="N", help="Layers at a time to each registry, of all servers and workers (no limit).")
@setting("--oidc-issuer", metavar="URL", help="The provider of single sign-on, exactly as it calls itself (none).")
@setting("--oidc-client-id", metavar="ID", help="What it calls this server; the secret is LADING_OIDC_CLIENT_SECRET.")
@setting("--oidc-roles", metavar="ROLES", help="Which group has which role: GROUP=ROLE,GROUP=ROLE; * is everybody.")
@setting("--oidc-groups-claim", metavar="CLAIM", help="Where it says a person's groups (groups).")
@setting("--oidc-scopes", metavar="SCOPES", help="What is asked for of a person (openid,profile,email).")
@setting("--oidc-name", metavar="NAME", help="What people call it (single sign-on).")
@setting("--no-auth", is_flag=True, help="Without logins, for every program on this machine.")
@click.pass_obj
def serve(invocation: Invocation) -> None:
    """Run the API and the registry: users, environments, registries, jobs and the audit trail.

    The first start prints a link that makes the first user. Ends with Ctrl-C or SIGTERM, after the requests that run;
    jobs that run are saved, and go on at the next start.
    """
    with suppress(Cancelled):
        _serve(invocation)
    invocation.console.say("stopped")


def _serve(invocation: Invocation) -> None:
    """Until it is cancelled. Raises Cancelled where that is before it has begun: it may wait for what it stands on."""
    console, application = invocation.console, invocation.application
    with invocation.cancellable() as cancel, application.serve() as serving:
        if serving.open:
            console.warn("open to every program on this machine: --no-auth")
        found = {"registry": serving.address, "api": serving.api, "docker": list(serving.docker)}
        console.result(invocation.form, found, f"registry  {serving.address}\napi       {serving.api}")
        console.say(f"data      {serving.folder}")
        for address in serving.docker:
            console.say(f"docker    DOCKER_HOST={address}")
        for path in serving.docker_hosts:
            console.say(f"found     {path}   (lading environment add docker unix://{path})")
        if serving.setup is not None:
            console.say(f"set up    {serving.setup}")
        with _renewing(serving), suppress(Cancelled):
            while True:
                cancel.wait(WAIT_SECONDS)


@contextmanager
def _renewing(serving: Serving) -> Iterator[None]:
    """SIGHUP reads the certificate again; where there is none it ends the program, as everywhere."""
    renew = serving.renew
    if renew is None:
        yield
        return
    before = signal.signal(signal.SIGHUP, lambda *_: renew())
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)
