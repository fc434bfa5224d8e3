"""Who uses a home's servers, and for how long they live.

Every user holds a shared lock on `users.lock`; the kernel drops it however the user ends. Whoever gets that lock
exclusively knows that nobody is left and stops the servers: the last user on leaving, or the guardian, a sleeping
process that waits for the lock so that servers do not outlive users that were killed. Starts are one at a time.
"""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tutorscore.embedded import postgres, redis
from tutorscore.embedded.places import (
    CHECKOUT,
    EmbeddedError,
    Places,
    known_places,
    lock_directory,
    open_places,
    remove,
)
from tutorscore.embedded.processes import wait_until

DELETE_SECONDS = 3.0


@dataclass(frozen=True)
class Urls:
    """Where the servers are. `lease` is the descriptor that keeps embedded ones alive; a child that inherits it uses
    them too. It is None when nothing had to be started."""

    database_url: str
    redis_url: str
    lease: int | None


@contextmanager
def servers(home: Path, *, database_url: str = "", redis_url: str = "", temporary: bool = False) -> Iterator[Urls]:
    """Servers for as long as the block runs; a URL that is given is used as it is instead of starting a server.

    `temporary` makes a home that is deleted, with its data, by its last user. Raises EmbeddedError.
    """
    if database_url and redis_url:
        yield Urls(database_url, redis_url, None)
        return
    directory = lock_directory(home)
    with _locked(directory / "users.lock", fcntl.LOCK_SH) as users:
        places = None
        try:
            with _locked(directory / "start.lock", fcntl.LOCK_EX):
                places = open_places(home, temporary=temporary)
                _post_guardian(home)
                database_url = database_url or postgres.start(places)
                redis_url = redis_url or redis.start(places)
            yield Urls(database_url, redis_url, users)
        finally:
            if places is not None and _try_lock(users):
                _stop(places)


def stop_with_last_user(home: Path) -> None:
    """The guardian: wait until nobody uses the home, then stop what still runs."""
    places = known_places(home)
    if places is None:
        return
    directory = lock_directory(home)
    with _locked(directory / "guardian.lock", None) as guardian:
        if not _try_lock(guardian):
            return
        with _locked(directory / "users.lock", fcntl.LOCK_EX):
            _stop(places)
            # Given up before users.lock, so that the next user sees that it needs a new guardian.
            fcntl.flock(guardian, fcntl.LOCK_UN)


def delete(home: Path) -> None:
    """Delete a home and all its data. Refused with EmbeddedError while somebody uses it."""
    places = known_places(home)
    if places is None:
        raise EmbeddedError(f"{home} is not a home of embedded servers: nothing was deleted")
    with _locked(home / "servers" / "users.lock", None) as users:
        # The guardian may hold the lock for the moment it takes to see that there is nothing left to stop.
        if not wait_until(lambda: _try_lock(users), DELETE_SECONDS):
            raise EmbeddedError(f"{home} is in use: stop its users first")
        _stop(places)
        remove(places)


def _stop(places: Places) -> None:
    redis.stop(places)
    postgres.stop(places)
    if places.temporary:
        remove(places)


@contextmanager
def _locked(path: Path, kind: int | None) -> Iterator[int]:
    """The open lock file, locked shared or exclusively (waiting for it) unless `kind` is None."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except PermissionError:
        raise EmbeddedError(
            f"{path} belongs to another account: use that account, or set TUTORSCORE_HOME to a directory of yours"
        ) from None
    try:
        if kind is not None:
            fcntl.flock(descriptor, kind)
        yield descriptor
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _post_guardian(home: Path) -> None:
    """Start a guardian unless one waits already. It is handed to init, so that no user has to wait for it."""
    with _locked(lock_directory(home) / "guardian.lock", None) as guardian:
        if not _try_lock(guardian):
            return
    command = [sys.executable, "-m", "tutorscore.embedded", "guard", "--home", str(home.resolve())]
    subprocess.run(
        ["/bin/sh", "-c", '"$@" >/dev/null 2>&1 </dev/null &', "sh", *command],
        cwd=CHECKOUT,
        check=True,
        start_new_session=True,
    )
