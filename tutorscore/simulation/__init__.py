"""A simulated tutoring marketplace: partner exports with known truth, oracles, and rows that become known over time."""

from tutorscore.simulation.export import write_export
from tutorscore.simulation.live import rows_between
from tutorscore.simulation.world import DEFAULT_NOW, World, generate

__all__ = ["DEFAULT_NOW", "World", "generate", "rows_between", "write_export"]
