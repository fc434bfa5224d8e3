"""Where the embedded servers keep their state, and as whom they run.

A home (`TUTORSCORE_HOME`, by default `.state/` of the checkout) holds the locks and the identity of its servers. An
ordinary user's servers keep their data there too. PostgreSQL refuses to run as root, so root's servers run as `nobody`
and keep data and a copy of the binaries in a directory of their own, reached without changing a permission elsewhere.
"""

import hashlib
import json
import os
import pwd
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
ROOT_PARENTS = (
    Path("/var/lib/tutorscore"),
    Path("/var/tmp/tutorscore-root"),  # noqa: S108 - survives a reboot; its owner is checked before use
)


class EmbeddedError(RuntimeError):
    """The embedded servers cannot do what was asked; the text names the cause and the fix."""


@dataclass(frozen=True)
class Account:
    """The operating-system account the servers run as when root starts them."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Places:
    """One home's directories and identity. `key` is unique to this home on this machine."""

    home: Path
    root: Path
    key: str
    password: str
    account: Account | None
    temporary: bool

    @property
    def binaries(self) -> Path:
        """The copied binaries (root only)."""
        return self.root / "binaries"

    @property
    def postgres(self) -> Path:
        """PostgreSQL's own directory: `data/` and the log."""
        return self.root / "postgres"

    @property
    def redis(self) -> Path:
        """Redis's own directory: append-only file, log, pid."""
        return self.root / "redis"

    def give(self, directory: Path) -> None:
        """Make `directory` private to the account that runs the servers."""
        directory.mkdir(exist_ok=True)
        if self.account is not None:
            os.chown(directory, self.account.uid, self.account.gid)
        directory.chmod(0o700)

    def write_for_server(self, path: Path, text: str) -> None:
        """Write a file the servers may read and nobody else may, at once or not at all."""
        draft = path.with_name(path.name + ".draft")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            if self.account is not None:
                os.fchown(descriptor, self.account.uid, self.account.gid)
            file.write(text)
        draft.replace(path)


def default_home() -> Path:
    """`TUTORSCORE_HOME`, or `.state/` of the checkout."""
    chosen = os.environ.get("TUTORSCORE_HOME")
    return Path(chosen).absolute() if chosen else CHECKOUT / ".state"


def lock_directory(home: Path) -> Path:
    """Make and return the directory of the home's locks and identity."""
    directory = home / "servers"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o700)
    except OSError as error:
        raise EmbeddedError(
            f"cannot write to {directory} ({error.strerror}): set TUTORSCORE_HOME to a directory you own"
        ) from error
    return directory


def open_places(home: Path, *, temporary: bool = False) -> Places:
    """Read the home's identity, or give it one. The caller holds the start lock.

    A home that was deleted and made again, or copied elsewhere, gets servers of its own: the key covers its path and a
    random number kept in it.
    """
    known = known_places(home)
    if known is not None:
        return known
    identity = {"id": secrets.token_hex(8), "password": secrets.token_urlsafe(24), "temporary": temporary}
    _write_durably(lock_directory(home) / "identity.json", json.dumps(identity))
    return _places(home.resolve(), identity)


def known_places(home: Path) -> Places | None:
    """The home's identity; None when it has none (yet, or any more)."""
    try:
        return _places(home.resolve(), json.loads((home / "servers" / "identity.json").read_text()))
    except FileNotFoundError:
        return None


def remove(places: Places) -> None:
    """Delete everything a stopped home kept, wherever it lies."""
    shutil.rmtree(places.root, ignore_errors=True)
    shutil.rmtree(places.home, ignore_errors=True)


def _places(home: Path, identity: dict[str, Any]) -> Places:
    key = hashlib.sha256(f"{home}\0{identity['id']}".encode("utf-8", "surrogateescape")).hexdigest()[:12]
    account = _unprivileged_account() if os.geteuid() == 0 else None
    root = home / "servers" if account is None else _root_directory(key, home)
    return Places(home, root, key, identity["password"], account, identity["temporary"])


def _unprivileged_account() -> Account:
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise EmbeddedError(
            "PostgreSQL cannot run as root and there is no account `nobody`: start this as an ordinary user"
        ) from None
    return Account(nobody.pw_uid, nobody.pw_gid)


def _root_directory(key: str, home: Path) -> Path:
    """A directory of our own that `nobody` may enter; every parent already lets it."""
    for parent in ROOT_PARENTS:
        directory = parent / key
        try:
            for made in (parent, directory):
                made.mkdir(exist_ok=True)
                if made.is_symlink() or made.stat().st_uid != 0:
                    raise EmbeddedError(f"{made} belongs to somebody else: delete it, or start this as its owner")
                made.chmod(0o755)
            (directory / "home").write_text(f"{home}\n", encoding="utf-8", errors="surrogateescape")
        except OSError:
            continue
        return directory
    raise EmbeddedError(f"cannot write to {' or '.join(map(str, ROOT_PARENTS))}: start this as an ordinary user")


def _write_durably(path: Path, text: str) -> None:
    draft = path.with_name(path.name + ".draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
