"""The embedded Redis: broker and cache, append-only so that a kill -9 loses at most a second of it.

Whether the server on a port is ours is decided by its password, which no other server knows.
"""

import signal
import socket
from pathlib import Path

from tutorscore.embedded import ports, processes
from tutorscore.embedded.binaries import redis_program
from tutorscore.embedded.places import EmbeddedError, Places

START_SECONDS = 120.0
LISTEN_SECONDS = 15.0
START_ATTEMPTS = 3
ANSWER_SECONDS = 2.0


def start(places: Places) -> str:
    """Make sure the server answers and return its URL. The caller holds the start lock."""
    places.give(places.redis)
    # A start that was killed leaves its server on the way: it bears the configuration's name until it listens.
    processes.wait_until(lambda: not any(processes.running(lambda line: str(_file(places)) in line)), START_SECONDS)
    port = ports.remembered(_port_file(places))
    if port is None or not _information(places, port):
        port = _launch(places)
    if not processes.wait_until(lambda: _information(places, port).get("loading") == "0", START_SECONDS):
        raise EmbeddedError(f"Redis is still loading after {START_SECONDS:.0f} s: see {places.redis / 'redis.log'}")
    return f"redis://:{places.password}@{ports.LOOPBACK}:{port}/0"


def stop(places: Places) -> None:
    """Write the append-only file out and end."""
    port = ports.remembered(_port_file(places))
    information = {} if port is None else _information(places, port)
    if information:
        processes.end(int(information["process_id"]), [(signal.SIGTERM, 20), (signal.SIGKILL, 5)])


def _port_file(places: Places) -> Path:
    return places.root / "redis.port"


def _file(places: Places) -> Path:
    return places.root / "redis.conf"


def _launch(places: Places) -> int:
    program = redis_program(places)
    output = ""
    for _ in range(START_ATTEMPTS):
        port = ports.choose(_port_file(places))
        places.write_for_server(_file(places), _configuration(places.password, port))
        result = processes.run_as(places.account, [str(program), str(_file(places))], cwd=places.redis)
        output = result.stdout
        if result.returncode == 0 and _answers(places, port):
            return port
    raise EmbeddedError(f"Redis ({program}) does not start; see {places.redis / 'redis.log'}\n{output}")


def _answers(places: Places, port: int) -> bool:
    return processes.wait_until(lambda: bool(_information(places, port)), LISTEN_SECONDS)


def _configuration(password: str, port: int) -> str:
    """Directives every Redis since 5 and every Valkey knows. Paths are relative to the server's directory."""
    return "\n".join(
        [
            f"bind {ports.LOOPBACK}",
            f"port {port}",
            f"requirepass {password}",
            "daemonize yes",
            "pidfile redis.pid",
            "logfile redis.log",
            "appendonly yes",
            "appendfsync everysec",
            'save ""',
            "maxmemory-policy noeviction",
            "",
        ]
    )


def _information(places: Places, port: int) -> dict[str, str]:
    """What our server on that port says of itself; empty when none of ours listens there."""
    try:
        with socket.create_connection((ports.LOOPBACK, port), ANSWER_SECONDS) as connection:
            connection.settimeout(ANSWER_SECONDS)
            connection.sendall(f"AUTH {places.password}\r\nINFO\r\nQUIT\r\n".encode())
            answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode(errors="replace")
    except OSError:
        return {}
    if not answer.startswith("+OK"):
        return {}
    return dict(line.split(":", 1) for line in answer.splitlines() if ":" in line)
