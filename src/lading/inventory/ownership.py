"""Who owns a file of an image: a distribution's package, where its database or its list says so.

A package of a language that a distribution's package brought is mended by the distribution, and only its advisories
know that: a copy with an old version is not an old copy (facts of backported fixes).

Who makes an image may write any list into it. So what is installed where distributions put nothing, in /opt, /usr/local
or an application's folder, is nobody's whatever a list says: packages of vendors, which own such files, are mended by
nobody whom a distribution's data knows (Filesystem Hierarchy Standard 3.0, 3.13, 4.9).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

UNLISTED = "dpkg"
"""Who owns what lies in dpkg's own folder for Python where an image has no list of any package's files."""
_UNLISTED_FOLDER = "usr/lib/python3/dist-packages/"
_LOCAL = "usr/local/"
_OF_DISTRIBUTIONS = ("usr/", "lib/", "lib64/", "bin/", "sbin/", "var/", "etc/", "opt/rh/")
"""Red Hat's collections lie in the last."""


class Owners:
    """`owned` gives canonical paths with the name of the package that owns each. `unlisted` says that the image has
    packages of dpkg and not one list of files: what images are without that were put together without dpkg."""

    def __init__(self, owned: Iterable[tuple[str, str]], *, unlisted: bool) -> None:
        self._owners: Mapping[str, str] = dict(owned)
        self._unlisted = unlisted

    def of(self, path: str) -> str:
        """The package's name; empty where nobody owns the file."""
        if path.startswith(_LOCAL) or not path.startswith(_OF_DISTRIBUTIONS):
            return ""
        owner = self._owners.get(path, "")
        if not owner and self._unlisted and path.startswith(_UNLISTED_FOLDER):
            return UNLISTED
        return owner
