"""`python -m tutorscore.embedded.tether --to PID -- COMMAND…`: a service that ends with the process it belongs to.

Two things a process manager does not do by itself. When the owner disappears, also by kill -9, the service is told to
end. And TERM goes to the service's main process alone: Celery loses tasks when its children are told too.
"""

import argparse
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time

from tutorscore.embedded.processes import command_line
from tutorscore.embedded.supervision import PR_SET_PDEATHSIG

LOOK_SECONDS = 0.2
# Longer than a web request or a minute's task; a task cut off is delivered again, because it is acknowledged late.
GRACE_SECONDS = 20.0


def main(arguments: list[str]) -> int:
    """Run the command until it ends, we are told to end, or the owner is gone; returns its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=int, required=True, help="pid of the owner")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args(arguments)
    command = options.command[1:] if options.command[:1] == ["--"] else options.command

    told: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: told.append(received))
    owner = command_line(options.to)
    libc = ctypes.CDLL(None)
    service = subprocess.Popen(
        command, start_new_session=True, preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    )
    while service.poll() is None and not told and owner and command_line(options.to) == owner:
        time.sleep(LOOK_SECONDS)
    return _end(service)


def _end(service: subprocess.Popen[bytes]) -> int:
    """Ask the main process, wait, then make sure that nothing of its group is left."""
    if service.poll() is None:
        service.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            service.wait(GRACE_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(service.pid, signal.SIGKILL)
    status = service.wait()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
