"""What a person reads when the demo is up: where it is, who may sign in, what to look at first."""

import http.client
import json
import sys
import time
from pathlib import Path

from tutorscore.embedded.ports import LOOPBACK

PATIENCE_SECONDS = 120.0


def greet(home: Path, port: int, started: float) -> None:
    """Wait until the web answers, then print the guide the demo world left. `started` is a monotonic time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not _answers(port):
        if time.monotonic() > deadline:
            print(f"demo: the web does not answer on port {port}; its lines above say why", file=sys.stderr)
            return
        time.sleep(0.2)
    guide = json.loads((home / "demo_guide.json").read_text())
    print(words(guide, f"http://localhost:{port}", time.monotonic() - started), flush=True)


def words(guide: dict[str, list[dict[str, str]]], address: str, seconds: float) -> str:
    """The greeting as text."""
    lines = ["", f"  TutorScore is ready after {seconds:.0f} s: {address}", "", "  Sign in as"]
    lines += [f"    {one['email']:<28} {one['password']:<20} {one['role']}" for one in guide["logins"]]
    lines += ["", "  Look at these"]
    lines += [f"    {one['title']:<44} {address}{one['path']}" for one in guide["links"]]
    return "\n".join([*lines, "", "  Ctrl-C stops everything.", ""])


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", "/health")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True
