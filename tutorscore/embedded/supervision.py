"""Running one command to its end: its signals, its exit code."""

import ctypes
import os
import signal
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

PR_SET_PDEATHSIG = 1
FORWARDED = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT}


def supervise(
    command: Sequence[str], environment: Mapping[str, str], inherited: Sequence[int] = (), *, stdout: int | None = None
) -> int:
    """Run the command in our process group, pass signals on, and return its exit code as a shell would.

    `inherited` are descriptors the command keeps open; `stdout` is one to write to instead of ours.

    A signal the terminal sends reaches the whole group, so passing it on would deliver it twice (to pytest or Celery
    that means "stop at once"); those come from the kernel and carry no sender. Were we killed, the command would get
    TERM.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED | {signal.SIGCHLD})
    try:
        process = _started(command, environment, inherited, stdout, before)
        while process.poll() is None:
            received = signal.sigwaitinfo(FORWARDED | {signal.SIGCHLD})
            if received.si_signo != signal.SIGCHLD and received.si_pid != 0:
                process.send_signal(received.si_signo)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


@contextmanager
def beside(
    command: Sequence[str], environment: Mapping[str, str], inherited: Sequence[int] = (), *, stdout: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the command while the block runs; the end of the block waits for it, an error in the block ends it."""
    process = _started(command, environment, inherited, stdout, signal.pthread_sigmask(signal.SIG_BLOCK, ()))
    try:
        yield process
        process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()


def _started(
    command: Sequence[str],
    environment: Mapping[str, str],
    inherited: Sequence[int],
    stdout: int | None,
    signals: Iterable[int],
) -> subprocess.Popen[bytes]:
    """The command in our process group with these ``signals`` blocked; it gets TERM when we are killed."""
    libc = ctypes.CDLL(None)

    def in_child() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        signal.pthread_sigmask(signal.SIG_SETMASK, signals)

    return subprocess.Popen(command, env=environment, stdout=stdout, pass_fds=inherited, preexec_fn=in_child)


def terminate_on_signals() -> None:
    """Let TERM and HUP unwind the stack like Ctrl-C, so that what was started is stopped."""

    def unwind(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, unwind)


def with_urls(database_url: str, redis_url: str) -> dict[str, str]:
    """Our environment with the addresses of the servers."""
    return {**os.environ, "DATABASE_URL": database_url, "REDIS_URL": redis_url}
