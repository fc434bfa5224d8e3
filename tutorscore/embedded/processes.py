"""Processes of this machine, read from /proc: who runs, started how, and how to end one for certain."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tutorscore.embedded.places import Account

POLL_SECONDS = 0.02


def command_line(pid: int) -> str:
    """The process's arguments joined by spaces; empty when it is gone or only a zombie."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""


def running(matches: Callable[[str], bool]) -> Iterator[int]:
    """Pids whose command line matches."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and matches(command_line(int(entry.name))):
            yield int(entry.name)


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Poll until the condition holds or the time is over; whether it holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def end(pid: int, steps: Sequence[tuple[signal.Signals, float]]) -> None:
    """Send each signal in turn until the process is gone, giving it the seconds beside the signal."""
    command = command_line(pid)
    for number, seconds in steps:
        if not command or command_line(pid) != command:
            return
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        if wait_until(lambda: command_line(pid) != command, seconds):
            return


def run_as(
    account: Account | None, command: Sequence[str], *, cwd: Path, password: str = "", seconds: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run a server's tool as its account, away from the terminal's signals and the caller's PG* variables."""
    return subprocess.run(
        command,
        cwd=cwd,
        env={"PATH": os.defpath, "LC_ALL": "C", "PGPASSWORD": password},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=seconds,
        start_new_session=True,
        user=None if account is None else account.uid,
        group=None if account is None else account.gid,
        extra_groups=None if account is None else [],
    )
