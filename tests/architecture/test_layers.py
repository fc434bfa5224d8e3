import os
import subprocess
import sys
from pathlib import Path

from apps.predictions.ml.targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]


def test_imports_keep_the_layers():
    contracts = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as lint; lint()", "--no-cache"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert contracts.returncode == 0, contracts.stdout + contracts.stderr


def test_a_folder_of_leftovers_does_not_exist():
    banned = {"utils.py", "helpers.py", "services.py", "signals.py", "misc.py", "common.py"}
    found = [path for root in ("apps", "tutorscore") for path in (ROOT / root).rglob("*.py") if path.name in banned]
    assert found == []


def test_no_python_file_is_empty_apart_from_package_marks():
    files = [path for root in ("apps", "tutorscore", "tests") for path in (ROOT / root).rglob("*.py")]
    assert [path for path in files if path.name != "__init__.py" and not path.read_text().strip()] == []


def test_targets_name_themselves():
    assert [name for name, target in TARGETS.items() if target.name != name] == []
