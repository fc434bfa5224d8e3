"""`bin/demo [--port N] [--once] [options of manage.py demo_world]`: the whole product with a living demo world.

Servers, migrations, static files, the demo world brought up to now; then web, worker and beat until Ctrl-C. With
`--once` the work is done in this process's commands, the last line of stdout is the summary, and nothing stays behind.
"""

import argparse
import fcntl
import hashlib
import os
import shlex
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tutorscore.embedded import greeting, ports
from tutorscore.embedded.lifetime import servers
from tutorscore.embedded.manage import MANAGE
from tutorscore.embedded.places import CHECKOUT, EmbeddedError, default_home, lock_directory
from tutorscore.embedded.processes import command_line
from tutorscore.embedded.supervision import beside, supervise, terminate_on_signals
from tutorscore.embedded.tether import GRACE_SECONDS
from tutorscore.embedded.variables import product_variables

FORMER_SECONDS = GRACE_SECONDS + 10.0
TO_STDERR = 2


def main(arguments: list[str]) -> int:
    """The command line; returns the exit code."""
    options, world = _parser().parse_known_args(arguments)
    terminate_on_signals()
    home = default_home()
    try:
        with _only_one(home) as lock:
            if not options.once and not ports.is_free(options.port):
                raise EmbeddedError(f"port {options.port} is in use: choose another, e.g. --port {options.port + 1}")
            return _demo(home, lock, options, world)
    except EmbeddedError as error:
        print(f"bin/demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bin/demo", description=__doc__, allow_abbrev=False)
    parser.add_argument("--port", type=int, default=8000, help="where the pages are (default 8000)")
    parser.add_argument("--once", action="store_true", help="do the work, print a summary, end")
    return parser


def _demo(home: Path, lock: int, options: argparse.Namespace, world: list[str]) -> int:
    started = time.monotonic()
    given = {name: os.environ.get(name, "") for name in ("DATABASE_URL", "REDIS_URL")}
    with servers(home, database_url=given["DATABASE_URL"], redis_url=given["REDIS_URL"]) as urls:
        environment = product_variables(home, urls, port=options.port, demo=True)
        inherited = (lock,) if urls.lease is None else (lock, urls.lease)
        _prepare(home, inherited, environment, [*world, "--once"] if options.once else world)
        if options.once:
            return 0
        greeter = threading.Thread(target=greeting.greet, args=(home, options.port, started), daemon=True)
        greeter.start()
        return _serve(options.port, environment)


def _prepare(home: Path, inherited: tuple[int, ...], environment: dict[str, str], world: list[str]) -> None:
    """Everything that has to be true before the first page."""
    with _static_files(home, inherited, environment):
        _step(inherited, environment, "migrate", "--no-input", "--verbosity", "0", stdout=TO_STDERR)
        _step(inherited, environment, "demo_world", *world)


@contextmanager
def _static_files(home: Path, inherited: tuple[int, ...], environment: dict[str, str]) -> Iterator[None]:
    """Collect static files beside the block where they changed: compressing them takes a core for a while."""
    mark, wanted = home / "static.mark", _static_fingerprint()
    if mark.exists() and mark.read_text() == wanted:
        yield
        return
    command = [*MANAGE, "collectstatic", "--no-input", "--clear", "--verbosity", "0"]
    with beside(command, environment, inherited, stdout=TO_STDERR) as collecting:
        yield
    _stop_unless_done("collectstatic", collecting.returncode)
    mark.write_text(wanted)


def _step(inherited: tuple[int, ...], environment: dict[str, str], *command: str, stdout: int | None = None) -> None:
    started = time.monotonic()
    print(f"demo: {command[0]}", file=sys.stderr, flush=True)
    status = supervise([*MANAGE, *command], environment, inherited, stdout=stdout)
    _stop_unless_done(command[0], status)
    if "--once" not in command:
        print(f"demo: {command[0]} took {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)


def _stop_unless_done(step: str, status: int) -> None:
    if status != 0:
        print(f"demo: {step} ended with status {status}", file=sys.stderr)
        raise SystemExit(status)


def _static_fingerprint() -> str:
    """Changes with our static files and with the packages that bring some of their own."""
    digest = hashlib.sha256((CHECKOUT / "requirements.txt").read_bytes())
    for path in sorted((CHECKOUT / "static").rglob("*")):
        state = path.stat()
        digest.update(f"{path}\0{state.st_size}\0{state.st_mtime_ns}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _serve(port: int, environment: dict[str, str]) -> int:
    """Run web, worker and beat until a signal or until one of them ends."""
    # Imported here: the rest of this package must run before any package is installed.
    from honcho import manager

    # Honcho's own 5 s would cut off what the tether still waits for.
    manager.KILL_WAIT = FORMER_SECONDS
    services = manager.Manager()
    for name, command in _services(port).items():
        tether = [sys.executable, "-m", "tutorscore.embedded.tether", "--to", str(os.getpid()), "--", *command]
        services.add_process(name, f"exec {shlex.join(tether)}", env=environment, cwd=str(CHECKOUT))
    services.loop()
    return int(services.returncode or 0)


def _services(port: int) -> dict[str, list[str]]:
    python = [sys.executable, "-m"]
    celery = [*python, "celery", "--app", "tutorscore.celery", "--quiet"]
    web = [*python, "gunicorn", "tutorscore.wsgi", "--no-control-socket", "--bind", f"{ports.LOOPBACK}:{port}"]
    return {
        "web": [
            *web,
            "--worker-class",
            "gthread",
            "--workers",
            "2",
            "--threads",
            "4",
            "--log-level",
            "warning",
            "--preload",
        ],
        "worker": [*celery, "worker", "--pool", "prefork", "--concurrency", "2", "--queues", "celery,train"],
        "beat": [*celery, "beat", "--pidfile="],
    }


@contextmanager
def _only_one(home: Path) -> Iterator[int]:
    """One demo a home. What it starts inherits the lock, so a demo that was killed is over when all of that is."""
    with (lock_directory(home) / "demo.lock").open("a+") as file:
        deadline = time.monotonic() + FORMER_SECONDS
        while not _taken(file.fileno()):
            file.seek(0)
            owner = file.read().strip()
            if (owner.isdigit() and command_line(int(owner))) or time.monotonic() > deadline:
                raise EmbeddedError(f"the demo of {home} already runs (process {owner}): end it with Ctrl-C first")
            time.sleep(0.2)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield file.fileno()


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
