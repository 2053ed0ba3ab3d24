"""Where a server tells the others of its database to ask for its agents."""

from __future__ import annotations

from pathlib import Path

import pytest

from lading.main.agents import ReplicaUrlMissing, replica_url
from lading.settings import Settings


@pytest.mark.parametrize(
    ("listen", "url", "told"),
    [
        (None, None, ""),
        ("10.0.0.7:9000", None, "http://10.0.0.7:9000"),
        ("[2001:db8::1]:9000", None, "http://[2001:db8::1]:9000"),
        ("0.0.0.0:9000", "http://server-1:9000", "http://server-1:9000"),
    ],
)
def test_others_are_told_where_it_listens_or_what_they_know_it_by(
    tmp_path: Path, listen: str | None, url: str | None, told: str
) -> None:
    assert replica_url(Settings(data=tmp_path, replica_listen=listen, replica_url=url)) == told


@pytest.mark.parametrize("listen", ["0.0.0.0:9000", "[::]:9000"])
def test_an_address_at_which_each_would_find_itself_is_told_to_nobody(tmp_path: Path, listen: str) -> None:
    with pytest.raises(ReplicaUrlMissing):
        replica_url(Settings(data=tmp_path, replica_listen=listen))
