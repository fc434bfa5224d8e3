"""One realistic world and its export, shared by the tests that only read them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from tutorscore.simulation import World, generate, write_export
from tutorscore.simulation.knowledge import KINDS


@dataclass(frozen=True)
class Export:
    """An export as a reader sees it: text tables, and sessions in their newest state with moments parsed."""

    folder: Path
    tables: dict[str, pd.DataFrame]

    @classmethod
    def read(cls, folder: Path) -> Export:
        return cls(
            folder, {kind: pd.read_csv(folder / f"{kind}.csv", dtype=str, keep_default_na=False) for kind in KINDS}
        )

    def newest(self, kind: str, key: list[str]) -> pd.DataFrame:
        table = self.tables[kind].sort_values("recorded_at", kind="stable")
        return table.drop_duplicates(key, keep="last").set_index(key[0] if len(key) == 1 else key).sort_index()

    @property
    def sessions(self) -> pd.DataFrame:
        sessions = self.newest("sessions", ["external_id"])
        for name in ("scheduled_start", "booked_at", "recorded_at"):
            sessions[name] = pd.to_datetime(sessions[name], utc=True)
        return sessions

    @property
    def truth(self) -> pd.DataFrame:
        return pd.read_csv(self.folder / "truth.csv", dtype={"session_id": str}).set_index("session_id")


@pytest.fixture(scope="session")
def world() -> World:
    return generate(20_000, seed=11)


@pytest.fixture(scope="session")
def export(world: World, tmp_path_factory: pytest.TempPathFactory) -> Export:
    folder = tmp_path_factory.mktemp("export")
    write_export(world, folder)
    return Export.read(folder)
