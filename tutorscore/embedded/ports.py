"""TCP ports on the loopback address, remembered so that a home keeps its addresses from start to start."""

import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def remembered(file: Path) -> int | None:
    """The port written in the file, if any."""
    try:
        return int(file.read_text())
    except (FileNotFoundError, ValueError):
        return None


def choose(file: Path) -> int:
    """The remembered port if it is still free, else a new free one, written down."""
    port = remembered(file)
    if port is not None and is_free(port):
        return port
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port = int(probe.getsockname()[1])
    file.write_text(str(port))
    return port
