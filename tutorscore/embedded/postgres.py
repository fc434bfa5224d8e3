"""The embedded PostgreSQL: one data directory, one database `tutorscore`, durable unless speed is asked for.

Its processes are recognised by `cluster_name`, which PostgreSQL puts into every title, rather than by the pid in
`postmaster.pid`: after a kill -9 that pid may belong to a stranger, or to a zombie that still answers signals.
"""

import os
import signal
import sys
from pathlib import Path

from tutorscore.embedded import ports, processes
from tutorscore.embedded.binaries import postgres_programs
from tutorscore.embedded.places import EmbeddedError, Places

NAME = "tutorscore"
# Recovery after a crash replays at most max_wal_size; minutes, never the 10 s other launchers allow.
START_SECONDS = 600
ORPHAN_SECONDS = 10.0
START_ATTEMPTS = 3

SETTINGS = {
    "listen_addresses": ports.LOOPBACK,
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "128MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",
    "checkpoint_timeout": "15min",
    "max_wal_size": "2GB",
    # Nothing replicates from a demo; a minimal log halves the writing of a bulk import.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    # Two cores are shared with web and worker, and parallel plans need more /dev/shm than a container has.
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
}
# Survives a kill -9 of every process, but not a power cut: commits still reach the operating system.
FAST_SETTINGS = {"fsync": "off", "full_page_writes": "off"}


def start(places: Places) -> str:
    """Make sure the server answers and return its URL. The caller holds the start lock.

    Raises EmbeddedError with the end of the server's log when it cannot be started.
    """
    programs = postgres_programs(places)
    places.give(places.postgres)
    _wait_for_former_start(places)
    if not _data(places).exists():
        _initialise(places, programs)
    port = _port_of_running(places)
    if port is None:
        _clear_remains(places)
        port = _launch(places, programs)
    _ensure_database(places, programs, port)
    return f"postgresql://{NAME}:{places.password}@{ports.LOOPBACK}:{port}/{NAME}"


def stop(places: Places) -> None:
    """Close connections, write a checkpoint, end."""
    for pid in _postmasters(places):
        processes.end(pid, [(signal.SIGINT, 60), (signal.SIGQUIT, 20), (signal.SIGKILL, 5)])


def _data(places: Places) -> Path:
    return places.postgres / "data"


def _draft(places: Places) -> Path:
    return places.postgres / "data.draft"


def _port_file(places: Places) -> Path:
    return places.root / "postgres.port"


def _log(places: Places) -> Path:
    return places.postgres / "postgres.log"


def _cluster(places: Places) -> str:
    return f"tutorscore-{places.key}"


def _postmasters(places: Places) -> list[int]:
    marker = f"cluster_name={_cluster(places)}"
    return list(processes.running(lambda line: "/bin/postgres" in line and f"{marker} " in f"{line} "))


def _children(places: Places) -> list[int]:
    title = f"postgres: {_cluster(places)}: "
    return list(processes.running(lambda line: line.startswith(title)))


def _wait_for_former_start(places: Places) -> None:
    """A start that was killed leaves its initdb or pg_ctl running: let them end rather than work against them."""
    tools = f"--pgdata {_draft(places)} ", f"cluster_name={_cluster(places)} "

    def is_tool(line: str) -> bool:
        return "/bin/postgres" not in line and any(tool in line for tool in tools)

    processes.wait_until(lambda: not any(processes.running(is_tool)), START_SECONDS)


def _initialise(places: Places, programs: Path) -> None:
    """Create the cluster beside its place, so that a kill leaves either no data directory or a whole one."""
    print("PostgreSQL: creating the database cluster", file=sys.stderr, flush=True)
    draft = _draft(places)
    processes.run_as(places.account, ["rm", "-rf", str(draft)], cwd=places.postgres)
    password_file = places.root / "initdb.password"
    places.write_for_server(password_file, places.password)
    command = [str(programs / "initdb"), "--pgdata", str(draft), "--username", NAME, "--pwfile", str(password_file)]
    command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]
    command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    if _is_fast():
        command.append("--no-sync")
    result = processes.run_as(places.account, command, cwd=places.postgres)
    password_file.unlink()
    if result.returncode != 0:
        raise EmbeddedError(f"initdb failed in {places.postgres}:\n{result.stdout}")
    draft.rename(_data(places))


def _port_of_running(places: Places) -> int | None:
    """The port of a server that is up; one still recovering or stopping is waited for."""
    if not _postmasters(places):
        return None
    processes.wait_until(lambda: _status(places) == "ready" or not _postmasters(places), START_SECONDS)
    if not _postmasters(places):
        return None
    if _status(places) != "ready":
        raise EmbeddedError(f"PostgreSQL is still not ready after {START_SECONDS} s: see {_log(places)}")
    return int(_pid_file(places)[3])


def _pid_file(places: Places) -> list[str]:
    """The lines of postmaster.pid: pid, directory, start, port, socket, address, memory key, status."""
    try:
        return (_data(places) / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _status(places: Places) -> str:
    lines = _pid_file(places)
    return lines[7].strip() if len(lines) > 7 and int(lines[0]) in _postmasters(places) else ""


def _clear_remains(places: Places) -> None:
    """After a killed postmaster: let its children end, then remove its pid file.

    Starting while a child still writes would destroy data, which is why the file is removed only after them.
    """
    if not processes.wait_until(lambda: not _children(places), ORPHAN_SECONDS):
        for pid in _children(places):
            processes.end(pid, [(signal.SIGQUIT, 5), (signal.SIGKILL, 5)])
    (_data(places) / "postmaster.pid").unlink(missing_ok=True)


def _launch(places: Places, programs: Path) -> int:
    settings = SETTINGS | {"cluster_name": _cluster(places)} | (FAST_SETTINGS if _is_fast() else {})
    output = ""
    for _ in range(START_ATTEMPTS):
        port = ports.choose(_port_file(places))
        options = " ".join(f"-c {name}={value}" for name, value in (settings | {"port": str(port)}).items())
        command = [str(programs / "pg_ctl"), "start", "--wait", "--timeout", str(START_SECONDS)]
        command += ["--pgdata", "data", "--log", _log(places).name, "--options", options]
        result = processes.run_as(places.account, command, cwd=places.postgres, seconds=START_SECONDS + 60)
        if result.returncode == 0:
            return port
        output = result.stdout + _end_of_log(places)
        if ports.is_free(port):
            break
    raise EmbeddedError(f"PostgreSQL does not start; its log {_log(places)} ends:\n{output}")


def _end_of_log(places: Places, lines: int = 15) -> str:
    try:
        return "\n".join(_log(places).read_text(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""


def _ensure_database(places: Places, programs: Path, port: int) -> None:
    """Create the database on the first start, also when that start was killed before it could."""
    psql = [str(programs / "psql"), "-X", "-q", "-A", "-t", "-h", ports.LOOPBACK, "-p", str(port), "-U", NAME]
    wanted = "SELECT count(*) FROM pg_database WHERE datname = current_user"  # the database bears its owner's name
    found = processes.run_as(
        places.account, [*psql, "-d", "template1", "-c", wanted], cwd=places.postgres, password=places.password
    )
    if found.returncode == 0 and found.stdout.strip() == "1":
        return
    create = [*psql, "-d", "template1", "-c", f"CREATE DATABASE {NAME}"]
    created = processes.run_as(places.account, create, cwd=places.postgres, password=places.password)
    if created.returncode != 0:
        raise EmbeddedError(f"PostgreSQL on port {port} refuses: {created.stdout.strip()}")


def _is_fast() -> bool:
    """Whether only a crash of the machine may lose data (temporary databases of tests)."""
    return os.environ.get("TUTORSCORE_EMBEDDED_FAST") == "1"
