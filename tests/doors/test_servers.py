"""The embedded servers from a user's side: they are there, they are shared, they survive kills, they go away."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.doors.clients import Runner, answers, execute, ping, server_pids
from tutorscore import embedded
from tutorscore.embedded import binaries, lifetime, ports, processes

SHOW_URLS = ("sh", "-c", "echo $DATABASE_URL; echo $REDIS_URL; exec sleep 60")


def urls_of(runner: subprocess.Popen[str]) -> tuple[str, str]:
    """What SHOW_URLS prints, after what the first start of a home says."""
    assert runner.stdout is not None
    database_url = next(line for line in runner.stdout if line.startswith("postgresql://"))
    return database_url.strip(), runner.stdout.readline().strip()


def kill_hard(pids: list[int]) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def test_servers_answer_and_stop_with_their_only_user(home: Path) -> None:
    with embedded.servers(home) as urls:
        assert execute(urls.database_url, "SELECT current_setting('server_version_num')::int >= 180000") == [(True,)]
        assert execute(urls.database_url, "SHOW server_encoding") == [("UTF8",)]
        assert ping(urls.redis_url)

    assert not answers(urls.database_url)
    assert not ping(urls.redis_url)
    assert server_pids(home) == []


def test_data_and_addresses_are_the_same_after_a_restart(home: Path) -> None:
    with embedded.servers(home) as first:
        execute(first.database_url, "CREATE TABLE kept AS SELECT 42 AS answer")

    with embedded.servers(home) as second:
        assert second.database_url == first.database_url
        assert second.redis_url == first.redis_url
        assert execute(second.database_url, "SELECT answer FROM kept") == [(42,)]


def test_second_user_shares_and_keeps_the_servers_when_the_first_leaves(home: Path) -> None:
    with ExitStack() as first, ExitStack() as second:
        urls = first.enter_context(embedded.servers(home))
        pids = server_pids(home)
        assert second.enter_context(embedded.servers(home)).database_url == urls.database_url
        first.close()

        assert answers(urls.database_url)
        assert ping(urls.redis_url)
        assert set(pids) <= set(server_pids(home)), "the servers were not restarted"

    assert server_pids(home) == []


def test_two_homes_have_servers_of_their_own(make_home: Callable[[str], Path]) -> None:
    with embedded.servers(make_home("one")) as one, embedded.servers(make_home("two")) as two:
        execute(one.database_url, "CREATE TABLE only_in_one ()")

        assert one.database_url != two.database_url
        assert execute(two.database_url, "SELECT to_regclass('only_in_one')") == [(None,)]


def test_home_may_be_long_and_strange(make_home: Callable[[str], Path]) -> None:
    home = make_home('Zoë\'s $HOME "quoted" `x` ' + "deep" * 40)

    with embedded.servers(home) as urls:
        assert answers(urls.database_url)
        assert ping(urls.redis_url)


def test_wrong_password_is_refused(home: Path) -> None:
    with embedded.servers(home) as urls:
        password = urls.database_url.split(":")[2].split("@")[0]

        assert not answers(urls.database_url.replace(password, "wrong"))


def test_given_urls_are_used_and_nothing_is_started(make_home: Callable[[str], Path]) -> None:
    home = make_home("home")
    with embedded.servers(home, database_url="postgresql://elsewhere/x", redis_url="redis://elsewhere") as urls:
        assert (urls.database_url, urls.redis_url) == ("postgresql://elsewhere/x", "redis://elsewhere")

    assert not home.exists()


def test_one_given_url_starts_only_the_other_server(make_home: Callable[[str], Path]) -> None:
    home = make_home("home")
    with embedded.servers(home, database_url="postgresql://elsewhere/x") as urls:
        assert urls.database_url == "postgresql://elsewhere/x"
        assert ping(urls.redis_url)
        assert server_pids(home) == []


def test_taken_ports_are_replaced(home: Path) -> None:
    with embedded.servers(home) as before:
        pass
    taken = [
        socket.create_server((ports.LOOPBACK, int(url.rsplit(":", 1)[1].split("/")[0])))
        for url in (before.database_url, before.redis_url)
    ]
    try:
        with embedded.servers(home) as after:
            assert after.database_url != before.database_url
            assert answers(after.database_url)
            assert ping(after.redis_url)
    finally:
        for server in taken:
            server.close()


def test_killed_postmaster_is_restarted_for_the_next_user_with_its_data(home: Path) -> None:
    with embedded.servers(home) as first:
        execute(first.database_url, "CREATE TABLE counted AS SELECT generate_series(1, 1000) AS number")
        kill_hard(server_pids(home)[:1])

        with embedded.servers(home) as second:
            assert execute(second.database_url, "SELECT count(*), sum(number) FROM counted") == [(1000, 500500)]


def test_everything_killed_at_once_loses_nothing(home: Path, run_in: Runner) -> None:
    runner = run_in(home, *SHOW_URLS)
    database_url, _ = urls_of(runner)
    execute(database_url, "CREATE TABLE survived AS SELECT 42 AS answer")
    guardians = list(processes.running(lambda line: "tutorscore.embedded guard" in line and str(home) in line))
    assert len(guardians) == 1

    kill_hard([*guardians, runner.pid, *server_pids(home)])

    with embedded.servers(home) as urls:
        assert execute(urls.database_url, "SELECT answer FROM survived") == [(42,)]
        assert ping(urls.redis_url)


def test_killed_user_takes_its_command_and_the_servers_with_it(home: Path, run_in: Runner) -> None:
    runner = run_in(home, *SHOW_URLS)
    database_url, redis_url = urls_of(runner)

    os.kill(runner.pid, signal.SIGKILL)

    assert processes.wait_until(lambda: server_pids(home) == [], 20)
    assert not answers(database_url)
    assert not ping(redis_url)


def test_start_killed_at_any_moment_does_not_spoil_the_next(make_home: Callable[[str], Path], run_in: Runner) -> None:
    home = make_home("home")
    for delay in (0.1, 0.2, 0.3, 0.5, 0.7, 0.9):
        runner = run_in(home, "sleep", "60")
        time.sleep(delay)
        os.killpg(runner.pid, signal.SIGKILL)

    with embedded.servers(home) as urls:
        assert answers(urls.database_url)
        assert ping(urls.redis_url)


def test_emptied_home_gets_new_servers(make_home: Callable[[str], Path]) -> None:
    home = make_home("home")
    with embedded.servers(home) as before:
        execute(before.database_url, "CREATE TABLE forgotten ()")
    lifetime.delete(home)
    assert not home.exists()

    with embedded.servers(home) as after:
        assert execute(after.database_url, "SELECT to_regclass('forgotten')") == [(None,)]


def test_home_in_use_is_not_deleted(home: Path) -> None:
    with embedded.servers(home) as urls:
        with pytest.raises(embedded.EmbeddedError, match="in use"):
            lifetime.delete(home)

        assert answers(urls.database_url)


@pytest.mark.parametrize(("body", "is_taken"), [("exit 0", True), ("exit 1", False)])
def test_redis_of_the_machine_is_taken_if_it_runs(
    home: Path, monkeypatch: pytest.MonkeyPatch, body: str, is_taken: bool
) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        program = Path(folder) / "redis-server"
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

        chosen = binaries.redis_program(lifetime.open_places(home))

    assert (chosen == program) is is_taken
    assert chosen.name == "redis-server"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: only root's servers change their account")
def test_servers_of_root_run_as_nobody_and_open_no_other_directory(make_home: Callable[[str], Path]) -> None:
    home = make_home("home")
    home.mkdir(mode=0o700)
    modes = {folder: folder.stat().st_mode for folder in (home, *home.parents)}

    with embedded.servers(home):
        owners = {Path(f"/proc/{pid}").stat().st_uid for pid in server_pids(home)}
        places = lifetime.open_places(home)

    assert places.account is not None
    assert owners == {places.account.uid}
    assert {folder: folder.stat().st_mode for folder in modes} == modes
    assert places.home not in places.root.parents
    assert places.postgres.stat().st_mode & 0o777 == 0o700
