"""The composition root: settings in, wired objects out. No decisions; the only room that names concrete backends.

    configuration   where settings stand on this machine
    data_folder     its folders, and the port that is remembered there
    wired           the application: each part opened when it is first asked for
    local_store     our own store over the data folder, the same way
    places          every kind of place that images are in, over the backends
    served          our registry, over a data folder
    product         the services of `lading serve`
    ├── rows            what they write down
    ├── people          users, and how they are known
    ├── hosts           our own engine, and Docker hosts; environments makes these of their rows, agents the hub
    ├── work            jobs, and what each kind of them does
    └── beside          what runs by itself; gauges, what is counted of it
    service         its doors: api_loop the API's, docker_door docker's, registry_processes the registry's, in processes
                    of their own where there are several
    working         the same services for `lading worker`, whose only door says how it is
    awaiting        a start that waits for its database or object store; waiting_door says so to whoever watches
    agent           the program at the edge, over its connection and its engine
    administration  the same services for the machine's owner, at the command line
    inventory_child the program that reads hostile layers, in processes of its own

Every room is imported where it is opened, so that a command pays for what it uses and `lading version` for nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from lading.fronts.cli.application import Application
from lading.fronts.cli.console import Streams
from lading.fronts.cli.program import run as run_program


def run() -> int:
    """Run the command line. Returns its exit code."""

    def start(flags: Mapping[str, object]) -> Application:
        from lading.main.wired import Wired  # noqa: PLC0415  see above

        return Wired.start(os.environ, flags)

    return run_program(start, sys.argv[1:], Streams.of_process(), os.environ)
