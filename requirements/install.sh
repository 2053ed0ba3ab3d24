#!/bin/sh
# Make .venv from the locked requirements and put this checkout into it.   usage: requirements/install.sh run|dev
# uv is used when present and never needed: both ways read the same lock and check the same hashes. The web app is built
# into the checkout where a Node is that can do it; without one it says so, and Lading has its pages without script alone.
set -eu
cd "$(dirname "$0")/.."
[ -x .venv/bin/python ] || python3 -m venv .venv
.venv/bin/python -c 'import sys; sys.exit("Lading needs Python 3.11 or newer; .venv has %d.%d. Remove .venv and put a newer python3 first in PATH." % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
sh ui/build.sh --if-possible
if command -v uv >/dev/null 2>&1; then
  uv pip install --quiet --python .venv/bin/python --require-hashes -r "requirements/$1.txt"
  uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e .
else
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "requirements/$1.txt"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
fi
