"""`lading trust`: the keys that sign images, and what is signed with them under Notary v1."""

from __future__ import annotations

import click

from lading.fronts.cli.commands.trust_inspecting import inspect
from lading.fronts.cli.commands.trust_keys import key
from lading.fronts.cli.commands.trust_signers import signer
from lading.fronts.cli.commands.trust_signing import forget, revoke, sign
from lading.fronts.cli.lazy import Group


@click.group(cls=Group)
def trust() -> None:
    """Content trust: keys, signed tags and who may sign.

    This is Notary v1, as docker trust speaks it. A tag is signed, as the digest and size of its manifest; that is kept
    at the trust server of its registry (LADING_TRUST_SERVER or DOCKER_CONTENT_TRUST_SERVER; the registry's own host
    unless said). Keys stay on this machine, below trust/ in the data folder, so these commands ask registries from
    here, whatever server was chosen.
    """


for each in (key, sign, revoke, inspect, forget, signer):
    trust.add_command(each)
