"""Becomes a command that strace may attach to, though it is no parent of it:

python -m tests.faults.traceable COMMAND…
"""

from __future__ import annotations

import os
import sys

from tests.faults.registry_child import allow_tracing

if __name__ == "__main__":
    allow_tracing()
    os.execvp(sys.argv[1], sys.argv[1:])
