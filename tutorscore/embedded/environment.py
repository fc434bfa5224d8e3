"""The product's Python environment: made on first use, repaired after a kill, then only entered.

Run as a plain file by any Python 3.11 or newer, before a package is installed; `bin/_python` does that. Environments
lie in the home and bear a fingerprint of what they were made from, so a changed lock file, interpreter or checkout path
gets a new one, and an environment that is being replaced keeps serving whoever runs in it.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
RUNTIME, TESTS = CHECKOUT / "requirements.txt", CHECKOUT / "requirements-dev.txt"
PIP_OPTIONS = ("--no-deps", "--no-input", "--disable-pip-version-check", "--progress-bar=off")
# What pip writes for each line of a lock file: a wheel from the index, from a local folder, or not for this Python.
ACCOUNTED = ("Collecting ", "Processing ", "Ignoring ")
REPORT_SECONDS = 5.0


class InstallationError(RuntimeError):
    """The environment cannot be made; the text names the cause and the fix."""


def main(arguments: list[str]) -> None:
    """`environment.py [--with-tests] ARGUMENTS`: become the environment's Python with those arguments."""
    with_tests = arguments[:1] == ["--with-tests"]
    home = Path(os.environ.get("TUTORSCORE_HOME") or CHECKOUT / ".state").resolve()
    try:
        python = prepare(home, with_tests=with_tests)
    except InstallationError as error:
        sys.exit(f"environment: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    os.environ["PATH"] = os.pathsep.join([str(python.parent), os.environ.get("PATH", os.defpath)])
    os.execv(python, [str(python), *arguments[1 if with_tests else 0 :]])  # noqa: S606 - the arguments are the caller's own


def prepare(home: Path, *, with_tests: bool) -> Path:
    """Return the environment's interpreter, installing what is missing. Raises InstallationError."""
    environment = home / f"python-{_fingerprint(home)}"
    python = environment / "bin" / "python"
    try:
        environment.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InstallationError(
            f"cannot write to {home} ({error.strerror}): set TUTORSCORE_HOME to a directory you own"
        ) from error
    with _locked(home / "python.lock") as lock:
        if not (environment / "ready").exists():
            _create(environment, lock)
            _install(python, RUNTIME, lock)
            _mark(environment / "ready", str(CHECKOUT))
            _remove_unused(home, environment)
        tests_mark = environment / f"tests-{hashlib.sha256(TESTS.read_bytes()).hexdigest()[:12]}"
        if with_tests and not tests_mark.exists():
            _install(python, TESTS, lock)
            _mark(tests_mark, "")
    _hold(environment)
    return python


def _fingerprint(home: Path) -> str:
    facts = [sys.version, sys.base_prefix, str(CHECKOUT), str(home), RUNTIME.read_text()]
    return hashlib.sha256("\0".join(facts).encode("utf-8", "surrogateescape")).hexdigest()[:12]


def _create(environment: Path, lock: int) -> None:
    """An empty environment that finds the checkout, whatever the working directory."""
    _say(f"making a Python {sys.version_info.major}.{sys.version_info.minor} environment in {environment}")
    shutil.rmtree(environment, ignore_errors=True)
    made = subprocess.run(
        [sys.executable, "-I", "-m", "venv", str(environment)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        pass_fds=(lock,),
    )
    if made.returncode != 0:
        raise InstallationError(f"{sys.executable} -m venv failed:\n{made.stdout}")
    (site,) = environment.glob("lib/python*/site-packages")
    (site / "checkout.pth").write_text(f"{CHECKOUT}\n")


def _install(python: Path, lock_file: Path, lock: int) -> None:
    """Install exactly the locked versions, checked by their hashes, and show how far it is.

    pip inherits the lock: were we killed, nobody could start over before it has ended.
    """
    total = sum("==" in line for line in lock_file.read_text().splitlines() if not line.startswith((" ", "#")))
    log = python.parents[1] / f"{lock_file.stem}.log"
    started = time.monotonic()
    command = [str(python), "-I", "-m", "pip", "install", *PIP_OPTIONS, "--requirement", str(lock_file)]
    _say(f"installing {total} packages of {lock_file.name} (log: {log})")
    with log.open("w") as output:
        pip = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, pass_fds=(lock,))
        while (status := _ended(pip)) is None:
            _say(f"{_progress(python.parents[1], log, total)}, {time.monotonic() - started:.0f} s")
    if status != 0:
        end = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise InstallationError(f"pip ended with status {status}; {log} ends:\n{end}\nRun the command again to resume.")
    _say(f"{lock_file.name} installed in {time.monotonic() - started:.0f} s")


def _progress(environment: Path, log: Path, total: int) -> str:
    """pip says what it fetches but not what it unpacks; the latter is counted in the environment."""
    lines = log.read_text(errors="replace").splitlines()
    if not any(line.startswith("Installing collected") for line in lines):
        return f"fetched {sum(line.startswith(ACCOUNTED) for line in lines)} of {total} packages"
    return f"unpacked {len(list(environment.glob('lib/python*/site-packages/*.dist-info')))} packages"


def _ended(pip: subprocess.Popen[bytes]) -> int | None:
    try:
        return pip.wait(REPORT_SECONDS)
    except subprocess.TimeoutExpired:
        return None


def _remove_unused(home: Path, current: Path) -> None:
    """Delete this checkout's former environments that nobody runs in."""
    for former in home.glob("python-*/ready"):
        if former.parent == current or former.read_text() != str(CHECKOUT):
            continue
        descriptor = os.open(former, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(former.parent)
        except BlockingIOError:
            _say(f"{former.parent} is still in use and stays")
        finally:
            os.close(descriptor)


def _hold(environment: Path) -> None:
    """Keep a lock on the environment that lasts as long as the process we become."""
    descriptor = os.open(environment / "ready", os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    os.set_inheritable(descriptor, True)


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("waiting for another installation to end")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def _mark(path: Path, text: str) -> None:
    """Written last and at once: its presence says that everything before it was done."""
    draft = path.with_suffix(".draft")
    draft.write_text(text)
    os.sync()
    draft.replace(path)


def _say(text: str) -> None:
    print(f"environment: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
