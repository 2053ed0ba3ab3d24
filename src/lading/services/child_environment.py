"""What of our environment a child process of our own may know that reads what strangers made."""

from __future__ import annotations

from collections.abc import Mapping

_PASSED_ON = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR")
"""What a Python, and git, may need to start; all else may hold secrets."""


def child_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Of `environment`, what goes on."""
    return {name: environment[name] for name in _PASSED_ON if name in environment}
