"""Signals and exit codes: what a person at a terminal, an init system and a kill -9 get to see."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tutorscore.embedded import processes
from tutorscore.embedded.places import CHECKOUT

# Counts the signals it gets for a moment after the first, then prints them.
COUNT_SIGNALS = """
import signal, time
got = []
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda received, _frame: got.append(signal.Signals(received).name))
print("ready", flush=True)
while not got:
    time.sleep(0.05)
time.sleep(0.5)
print(*got, flush=True)
raise SystemExit(7)
"""
SUPERVISE = (
    "import os, sys; from tutorscore.embedded.supervision import supervise; sys.exit(supervise({!r}, os.environ))"
)


def supervised(*command: str) -> list[str]:
    return [sys.executable, "-c", SUPERVISE.format(list(command))]


def start(command: list[str], **options: object) -> subprocess.Popen[str]:
    return subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, **options)  # type: ignore[call-overload]


@pytest.mark.parametrize(("code", "status"), [("exit 0", 0), ("exit 7", 7), ("kill -KILL $$", 137)])
def test_exit_code_is_the_commands(code: str, status: int) -> None:
    assert subprocess.run(supervised("sh", "-c", code), cwd=CHECKOUT).returncode == status


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_to_us_reaches_the_command_once(number: signal.Signals) -> None:
    process = start(supervised(sys.executable, "-c", COUNT_SIGNALS))
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"

    process.send_signal(number)

    assert process.communicate(timeout=20)[0] == f"{number.name}\n"
    assert process.returncode == 7


def test_ctrl_c_of_a_terminal_reaches_the_command_once() -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(CHECKOUT)
        command = supervised(sys.executable, "-c", COUNT_SIGNALS)
        os.execv(command[0], command)
    output = os.read(terminal, 100)
    assert b"ready" in output

    os.write(terminal, b"\x03")
    _, status = os.waitpid(pid, 0)

    assert os.read(terminal, 100).replace(b"^C", b"").strip() == b"SIGINT"
    assert os.waitstatus_to_exitcode(status) == 7
    os.close(terminal)


def test_command_ends_when_we_are_killed() -> None:
    process = start(supervised("sh", "-c", "echo $$; exec sleep 60"))
    assert process.stdout is not None
    command = int(process.stdout.readline())

    process.kill()
    process.communicate()

    assert processes.wait_until(lambda: not processes.command_line(command), 5)


def test_tethered_service_ends_with_its_owner(tmp_path: Path) -> None:
    owner = subprocess.Popen(["sleep", "60"])
    service = start(tethered(owner.pid, "sh", "-c", "sleep 60 & echo $!; wait"), start_new_session=True)
    assert service.stdout is not None
    grandchild = int(service.stdout.readline())

    owner.kill()
    owner.wait()

    service.communicate(timeout=20)
    assert service.returncode == 143
    assert processes.wait_until(lambda: not processes.command_line(grandchild), 5)


def test_term_goes_to_the_services_main_process_alone() -> None:
    code = """
import os, signal, sys, time
def told(_number, _frame):
    print("child was told" if child == 0 else "main was told", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, told)
child = os.fork()
if child == 0:
    time.sleep(60)
print("ready", flush=True)
time.sleep(60)
"""
    service = start(tethered(os.getpid(), sys.executable, "-c", code), start_new_session=True)
    assert service.stdout is not None
    assert service.stdout.readline() == "ready\n"

    os.killpg(service.pid, signal.SIGTERM)

    assert service.communicate(timeout=20)[0] == "main was told\n"
    assert service.returncode == 0


def test_tether_to_nobody_ends_at_once() -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    started = time.monotonic()

    assert subprocess.run(tethered(gone.pid, "sleep", "60"), cwd=CHECKOUT).returncode == 143
    assert time.monotonic() - started < 20


def tethered(owner: int, *command: str) -> list[str]:
    return [sys.executable, "-m", "tutorscore.embedded.tether", "--to", str(owner), "--", *command]
