"""The environment of a bare machine, made from a lock file of one tiny package in a checkout of its own."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import signal
import subprocess
import time
import zipfile
from pathlib import Path

import pytest

from tutorscore.embedded.places import CHECKOUT

ASK = ("-c", "import probe, sys; print(probe.VERSION, sys.prefix)")


class Machine:
    """A checkout with only the doors, a shelf of wheels instead of an index, and a home."""

    def __init__(self, folder: Path) -> None:
        self.checkout, self.shelf, self.home = folder / "my check out", folder / "shelf", folder / "home"
        self.shelf.mkdir()
        for name in ("bin/_python", "tutorscore/embedded/environment.py"):
            (self.checkout / name).parent.mkdir(parents=True)
            shutil.copy2(CHECKOUT / name, self.checkout / name)
        (self.checkout / "requirements-dev.txt").touch()
        self.lock("1.0")

    def lock(self, version: str) -> None:
        """Put a wheel of that version on the shelf and lock it with its hash."""
        wheel = self.shelf / f"probe-{version}-py3-none-any.whl"
        files = {
            "probe.py": f"VERSION = {version!r}\n",
            f"probe-{version}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: probe\nVersion: {version}\n",
            f"probe-{version}.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        record = f"probe-{version}.dist-info/RECORD"
        rows = [
            f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip('=')},"
            for name, text in files.items()
        ]
        with zipfile.ZipFile(wheel, "w") as archive:
            for name, text in {**files, record: "\n".join([*rows, f"{record},,"])}.items():
                archive.writestr(name, text)
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        (self.checkout / "requirements.txt").write_text(f"probe=={version} \\\n    --hash=sha256:{digest}\n")

    def variables(self) -> dict[str, str]:
        wanted = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return wanted | {
            "TUTORSCORE_HOME": str(self.home),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.shelf),
            "PIP_CONFIG_FILE": os.devnull,
        }

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """bin/_python with those arguments, run from elsewhere."""
        command = [str(self.checkout / "bin" / "_python"), *arguments]
        return subprocess.run(command, cwd="/", env=self.variables(), capture_output=True, text=True, timeout=120)

    def environments(self) -> list[Path]:
        return sorted(self.home.glob("python-*"))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_first_use_installs_the_lock_file_and_later_ones_only_enter(machine: Machine) -> None:
    first = machine.python(*ASK)
    second = machine.python(*ASK)
    found = machine.python("-c", "import tutorscore.embedded as found; print(*found.__path__)")

    (environment,) = machine.environments()
    assert first.stdout == second.stdout == f"1.0 {environment}\n"
    assert "requirements.txt installed" in first.stderr
    assert second.stderr == ""
    assert found.stdout.strip() == str(machine.checkout / "tutorscore" / "embedded")


def test_changed_lock_file_gets_a_new_environment_and_the_old_one_goes(machine: Machine) -> None:
    machine.python(*ASK)
    (former,) = machine.environments()
    machine.lock("2.0")

    assert machine.python(*ASK).stdout.startswith("2.0 ")
    assert len(machine.environments()) == 1
    assert not former.exists()


@pytest.mark.slow
def test_environment_in_use_outlives_its_replacement(machine: Machine) -> None:
    machine.python(*ASK)
    command = [str(machine.checkout / "bin" / "_python"), "-c", "print('in', flush=True); input(); import probe"]
    user = subprocess.Popen(command, env=machine.variables(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert user.stdout is not None
    assert user.stdout.readline() == "in\n"
    machine.lock("2.0")

    assert machine.python(*ASK).stdout.startswith("2.0 ")
    user.communicate("\n", timeout=20)
    assert user.returncode == 0


@pytest.mark.slow
def test_wrong_hash_is_refused_and_named(machine: Machine) -> None:
    lock_file = machine.checkout / "requirements.txt"
    lock_file.write_text(lock_file.read_text()[:-5] + "0000\n")

    answer = machine.python(*ASK)

    assert answer.returncode == 1
    assert "DO NOT MATCH THE HASHES" in answer.stderr
    assert machine.python(*ASK).returncode == 1, "a failed installation is not taken for a finished one"


@pytest.mark.slow
@pytest.mark.parametrize("delay", [0.3, 1.0, 2.5])
def test_installation_killed_half_way_is_repaired(machine: Machine, delay: float) -> None:
    command = [str(machine.checkout / "bin" / "_python"), *ASK]
    killed = subprocess.Popen(
        command,
        env=machine.variables(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(delay)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()

    assert machine.python(*ASK).stdout == f"1.0 {machine.environments()[0]}\n"


def test_home_that_cannot_be_written_is_named(machine: Machine) -> None:
    machine.home.write_text("a file where the folder should be")

    answer = machine.python(*ASK)

    assert answer.returncode == 1
    assert "set TUTORSCORE_HOME to a directory you own" in answer.stderr


def test_machine_without_python_is_told_what_to_install(machine: Machine, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "dirname", "readlink", "cat"):
        found = shutil.which(name)
        assert found is not None
        (tools / name).symlink_to(found)
    script = machine.checkout / "bin" / "_python"
    script.write_text(script.read_text().replace("/usr/local/bin/", "/nowhere/").replace("/opt/", "/nowhere/"))

    answer = subprocess.run(
        [str(script)], env={"PATH": str(tools), "HOME": str(tmp_path)}, capture_output=True, text=True
    )

    assert answer.returncode == 1
    assert "No Python 3.11 or 3.12 was found" in answer.stderr
