"""Kill -9 of PostgreSQL while rows are written: what was acknowledged is there, whatever the moment."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path
from threading import Thread

import psycopg2
import pytest

from tests.doors.clients import connect, execute, server_pids
from tutorscore import embedded

ROUNDS = max(2, round(30 * float(os.environ.get("TEST_SCALE", "1"))))
SEED = 20_260_701


class Writer(Thread):
    """Inserts numbers one by one and remembers those whose commit was acknowledged, until the server is gone."""

    def __init__(self, database_url: str, first: int) -> None:
        super().__init__(daemon=True)
        self.database_url, self.next = database_url, first
        self.acknowledged: list[int] = []

    def run(self) -> None:
        client = connect(self.database_url)
        try:
            while True:
                client.cursor().execute("INSERT INTO facts VALUES (%s)", [self.next])
                self.acknowledged.append(self.next)
                self.next += 1
        except psycopg2.Error:
            client.close()


@pytest.mark.slow
def test_acknowledged_rows_survive_kills_at_random_moments(home: Path) -> None:
    chance = random.Random(SEED)
    acknowledged: set[int] = set()
    following = 0
    with embedded.servers(home) as urls:
        execute(urls.database_url, "CREATE TABLE facts (number int PRIMARY KEY)")
    for _ in range(ROUNDS):
        with embedded.servers(home) as urls:
            writer = Writer(urls.database_url, following)
            writer.start()
            time.sleep(chance.uniform(0.02, 0.6))
            pids = server_pids(home)
            for pid in pids if chance.random() < 0.5 else pids[:1]:
                os.kill(pid, signal.SIGKILL)
            writer.join(30)
            acknowledged.update(writer.acknowledged)
            following = writer.next + 1

    with embedded.servers(home) as urls:
        stored = {number for (number,) in execute(urls.database_url, "SELECT number FROM facts")}
    assert len(acknowledged) > ROUNDS
    assert acknowledged <= stored
    assert len(stored - acknowledged) <= ROUNDS, "at most the row in flight of each round was stored unacknowledged"
