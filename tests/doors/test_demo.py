"""bin/demo and bin/manage as a person meets them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.doors.clients import server_pids
from tutorscore.embedded import demo, greeting, ports, processes
from tutorscore.embedded.places import CHECKOUT, lock_directory

CONFIGURATION = {"SECRET_KEY", "DEBUG", "DEMO", "DATABASE_URL", "REDIS_URL", "LOG_LEVEL", "ARTIFACT_DIR", "STATIC_ROOT"}
SESSIONS = "1500"
SUMMARY = {"tutors", "students", "sessions", "scores", "alerts", "predictions", "models", "deliveries", "seconds"}
Start = Callable[..., subprocess.Popen[str]]


def variables(home: Path) -> dict[str, str]:
    """A machine on which nobody configured anything but the home."""
    plain = {name: value for name, value in os.environ.items() if name not in CONFIGURATION}
    return plain | {"TUTORSCORE_HOME": str(home)}


def door(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", f"tutorscore.embedded.{name}", *arguments]


@pytest.fixture
def start_demo(tmp_path: Path) -> Iterator[Start]:
    """Start bin/demo in a session of its own; what still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(home: Path, *arguments: str) -> subprocess.Popen[str]:
        with (tmp_path / f"demo{len(started)}.log").open("w") as log:
            command = door("demo", "--sessions", SESSIONS, *arguments)
            environment = variables(home)
            started.append(
                subprocess.Popen(
                    command,
                    cwd=CHECKOUT,
                    env=environment,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    text=True,
                    start_new_session=True,
                )
            )
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


HOLD_LOCK = """
import fcntl, os, sys, time
with open(sys.argv[1], "w") as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    print(os.getpid(), file=file, flush=True)
    print("held", flush=True)
    time.sleep(60)
"""


def free_port() -> int:
    with socket.create_server((ports.LOOPBACK, 0)) as probe:
        return int(probe.getsockname()[1])


def health(port: int) -> int:
    """The status of the health page; 0 while nothing answers."""
    try:
        with urllib.request.urlopen(f"http://{ports.LOOPBACK}:{port}/health", timeout=30) as answer:
            return int(answer.status)
    except OSError:
        return 0


def test_taken_port_is_named_with_the_way_out(
    make_home: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make_home("home")
    monkeypatch.setenv("TUTORSCORE_HOME", str(home))
    with socket.create_server((ports.LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(door("demo", "--port", str(port)), cwd=CHECKOUT, capture_output=True, text=True)

    assert done.returncode == 1
    assert done.stderr == f"bin/demo: port {port} is in use: choose another, e.g. --port {port + 1}\n"
    assert not (home / "servers" / "identity.json").exists(), "no server was started"


def test_second_demo_of_a_home_is_refused(make_home: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    home = make_home("home")
    monkeypatch.setenv("TUTORSCORE_HOME", str(home))
    file = lock_directory(home) / "demo.lock"
    with subprocess.Popen([sys.executable, "-c", HOLD_LOCK, str(file)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        done = subprocess.run(door("demo"), cwd=CHECKOUT, capture_output=True, text=True)
        other.kill()

    assert done.returncode == 1
    assert f"already runs (process {other.pid})" in done.stderr


def test_greeting_shows_address_logins_and_links() -> None:
    guide = {
        "logins": [{"role": "Success manager", "email": "rosa@tutorscore.example", "password": "one-two"}],
        "links": [{"title": "Today", "path": "/"}, {"title": "Outbox", "path": "/outbox/"}],
    }

    text = greeting.words(guide, "http://localhost:8123", 12.3)

    assert "ready after 12 s: http://localhost:8123" in text
    assert "rosa@tutorscore.example" in text
    assert "one-two" in text
    assert "http://localhost:8123/outbox/" in text


def test_manage_says_when_the_database_is_behind(home: Path) -> None:
    done = subprocess.run(
        door("manage", "shell", "--no-imports", "-c", "from apps.tutors.models import Tutor; Tutor.objects.count()"),
        cwd=CHECKOUT,
        env=variables(home),
        capture_output=True,
        text=True,
    )

    assert done.returncode == 1
    assert done.stderr.endswith("The database is behind the code: run `bin/manage migrate` (or `bin/demo`) first.\n")


def test_manage_runs_a_command_with_its_exit_code_and_output(home: Path) -> None:
    done = subprocess.run(
        door("manage", "shell", "--no-imports", "-c", "from django.conf import settings; print(settings.DEMO)"),
        cwd=CHECKOUT,
        env=variables(home),
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stdout) == (0, "True\n")
    assert server_pids(home) == []


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_demo_survives_kills_and_stops_on_ctrl_c(
    make_home: Callable[[str], Path], start_demo: Start, tmp_path: Path
) -> None:
    home, port = make_home("a home"), free_port()

    def log(number: int) -> str:
        return (tmp_path / f"demo{number}.log").read_text()

    building = start_demo(home, "--port", str(port))
    assert processes.wait_until(lambda: "demo: live" in log(0) or building.poll() is not None, 600), log(0)
    building.kill()
    building.wait()

    living = start_demo(home, "--port", str(port))
    assert processes.wait_until(lambda: health(port) == 200 or living.poll() is not None, 600), log(1)
    living.kill()
    living.wait()

    revived = start_demo(home, "--port", str(port))
    assert processes.wait_until(lambda: "Ctrl-C stops everything" in log(2) or revived.poll() is not None, 240), log(2)
    assert health(port) == 200
    revived.send_signal(signal.SIGINT)
    assert revived.wait(demo.FORMER_SECONDS + 30) == 130
    assert health(port) == 0
    assert server_pids(home) == []
    assert list(processes.running(lambda line: "tutorscore" in line and str(home) in line)) == []

    once = start_demo(home, "--once")
    assert once.wait(240) == 0, log(3)
    summary = json.loads(log(3).splitlines()[-1])
    assert summary["sessions"] > 0.8 * int(SESSIONS)
    assert summary["scores"] == summary["tutors"] > 0
    assert set(summary) == SUMMARY
