"""A home for embedded servers, deleted with everything it keeps elsewhere; and clients that speak to the servers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.doors.clients import Runner
from tutorscore.embedded import lifetime
from tutorscore.embedded.places import CHECKOUT


@pytest.fixture(autouse=True)
def fast_and_unconfigured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers of these tests skip fsync, and no variable of the test run reaches them."""
    monkeypatch.setenv("TUTORSCORE_EMBEDDED_FAST", "1")
    for name in ("DATABASE_URL", "REDIS_URL", "TUTORSCORE_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def make_home(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """New homes by name, removed at the end with what they keep elsewhere."""
    homes: list[Path] = []

    def make(name: str) -> Path:
        homes.append(tmp_path / name)
        return homes[-1]

    yield make
    for home in homes:
        if (home / "servers" / "identity.json").exists():
            lifetime.delete(home)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One home for a module, whose cluster is created once; between tests nobody uses it."""
    made = tmp_path_factory.mktemp("shared") / "home"
    yield made
    lifetime.delete(made)


@pytest.fixture
def run_in() -> Iterator[Runner]:
    """Start `python -m tutorscore.embedded run --home HOME -- COMMAND…`; killed at the end if it still runs."""
    started: list[subprocess.Popen[str]] = []

    def run(home: Path, *command: str) -> subprocess.Popen[str]:
        runner = subprocess.Popen(
            [sys.executable, "-m", "tutorscore.embedded", "run", "--home", str(home), "--", *command],
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        started.append(runner)
        return runner

    yield run
    for runner in started:
        if runner.poll() is None:
            os.killpg(runner.pid, signal.SIGKILL)
        runner.wait()
        assert runner.stdout is not None
        runner.stdout.close()
