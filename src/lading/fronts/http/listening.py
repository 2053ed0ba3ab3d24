"""Where a byte server listens: a host and port, or a path, which is a unix socket's.

A unix socket is there for its owner and one group, 0660, before anybody can connect: it is bound, given its group and
mode, and only then listened on. Who finds the file of a server that is gone takes its place; one that answers keeps it.
Of two that come at once one waits for the other at the folder's lock, which leaves no file.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lading.errors import StorageFailed

Address = tuple[str, int] | Path

LONGEST_PATH = 107 if sys.platform == "linux" else 103
"""Bytes of a unix socket's path, which the system keeps in a field of one more."""

SHARED_MODE = 0o660

_NO_SOCKETS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS})
"""What file systems say that know no sockets: FAT, and folders that a virtual machine shares (bind(2))."""

_BACKLOG = 1024
_SILENT_SECONDS = 60
"""After so long a client is asked whether it is there, and given up after some minutes without an answer."""


class ListenFailed(StorageFailed):
    """An address that cannot be listened on: taken, not ours, or not allowed."""

    code = "listen"

    def __init__(self, address: Address, reason: str) -> None:
        super().__init__(address, reason)
        self.address, self.reason = address, reason
        if isinstance(address, Path):
            self.hint = "Choose another path, in a folder that is there and that this user may write to."
        else:
            self.hint = f"Find who has it: ss -ltnp 'sport = :{address[1]}'. Or choose another address of this machine."

    def __str__(self) -> str:
        place = self.address if isinstance(self.address, Path) else f"{self.address[0]}:{self.address[1]}"
        return f"cannot listen on {place}: {self.reason}"


class NoSocketThere(ListenFailed):
    """A place where no unix socket can be: the file system has none."""


class PathTooLong(NoSocketThere):
    """A path that no unix socket can have."""

    def __init__(self, path: Path) -> None:
        self.length = len(os.fsencode(path))
        super().__init__(path, f"the path has {self.length} bytes, and a unix socket's has {LONGEST_PATH} at most")
        self.args = (path,)
        self.hint = "Choose a shorter one."


class Listener:
    """A socket that listens, until it is closed; its file, where it has one, goes with it."""

    def __init__(self, listening: socket.socket, path: Path | None = None) -> None:
        self.socket = listening
        self._path, self._file = path, None if path is None else path.lstat()

    def close(self) -> None:
        """The file goes first, so that whoever comes now finds none; but not one that is another's by now."""
        if self._path is not None and self._file is not None:
            with suppress(OSError):
                if os.path.samestat(self._path.lstat(), self._file):
                    self._path.unlink()
        self.socket.close()


def listen(address: Address, group: int | None = None) -> Listener:
    """`group` is who may use a unix socket beside its owner; None: its owner's. Raises ListenFailed."""
    return _listen_at_path(address, group) if isinstance(address, Path) else _listen_at_port(*address)


def _listen_at_port(host: str, port: int) -> Listener:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ListenFailed((host, port), error.strerror or str(error)) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        _probe_the_silent(listener)
        listener.setblocking(False)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise ListenFailed((host, port), error.strerror or str(error)) from error
    return Listener(listener)


def _probe_the_silent(listener: socket.socket) -> None:
    """Connections take this on: of a client that says nothing the system finds out whether it is still there, while we
    have nothing to say either, as where somebody follows events. Raises OSError."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if sys.platform == "linux":
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _SILENT_SECONDS)
    else:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPALIVE, _SILENT_SECONDS)


def _listen_at_path(path: Path, group: int | None) -> Listener:
    if len(os.fsencode(path)) > LONGEST_PATH:
        raise PathTooLong(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _alone_in(path.parent):
            _make_way(path)
            listener.setblocking(False)
            listener.bind(os.fspath(path))
            _share(path, group)
            listener.listen(_BACKLOG)
            return Listener(listener, path)
    except OSError as error:
        listener.close()
        raise _failure(path, error) from error
    except ListenFailed:
        listener.close()
        raise


def _failure(path: Path, error: OSError) -> ListenFailed:
    reason = (error.strerror or str(error)).lower()
    return NoSocketThere(path, reason) if error.errno in _NO_SOCKETS else ListenFailed(path, reason)


def _share(path: Path, group: int | None) -> None:
    """Nobody listens there yet, so nobody can connect. Raises ListenFailed, and leaves nothing behind then."""
    try:
        if group is not None:
            os.chown(path, -1, group, follow_symlinks=False)
        path.chmod(SHARED_MODE)
    except OSError as error:
        path.unlink(missing_ok=True)
        whom = "" if group is None else f" with the group {group}"
        reason = (error.strerror or str(error)).lower()
        raise ListenFailed(path, f"it cannot be shared{whom}: {reason}") from error


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Inside, no other server of ours binds a socket in this folder. Raises OSError."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)


def _make_way(path: Path) -> None:
    """What a server that is gone left there is removed. Raises ListenFailed, OSError."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise ListenFailed(path, "a file is there that is no socket")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.setblocking(False)
        try:
            caller.connect(os.fspath(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except BlockingIOError:  # so many wait there that somebody must be at home
            pass
    raise ListenFailed(path, "another server listens there")
