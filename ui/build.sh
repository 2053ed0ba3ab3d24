#!/bin/sh
# Build the web app into the package, by the versions that package-lock.json names.   usage: ui/build.sh [--if-possible]
# --if-possible: without a Node that can do it, say so and end well; Lading then has its pages without script alone.
set -eu
cd "$(dirname "$0")"
needed=20.19

without() {
  echo "The web app is built with Node $needed or newer and its npm; $1." >&2
  [ "${wanted:-}" = "--if-possible" ] || exit 1
  echo "Going on without it: the API, the commands and the pages without script are all there." >&2
  exit 0
}

wanted=${1:-}
command -v node >/dev/null 2>&1 || without "there is no node here"
command -v npm >/dev/null 2>&1 || without "there is no npm here"
found=$(node --version)
[ "$(printf '%s\nv%s\n' "$found" "$needed" | sort -V | head -n 1)" = "v$needed" ] || without "here is $found"

if ! cmp -s package-lock.json node_modules/.installed-from; then  # nothing of a package runs while it is installed
  npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
  cp package-lock.json node_modules/.installed-from
fi
npm run --silent build
