"""A partner export on disk: a folder of CSV files, or a zip of one."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Protocol, cast

from apps.sessions.ingest.csv_rows import UnreadableFileError
from apps.sessions.models import Entity


class _Place(Protocol):
    """What folders and archives have in common (``pathlib.Path``, ``zipfile.Path``)."""

    @property
    def name(self) -> str: ...

    def open(self, mode: str) -> IO[bytes]: ...


@dataclass(frozen=True)
class ExportFile:
    entity: Entity
    place: _Place

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        try:
            with self.place.open("rb") as stream:
                yield stream
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise UnreadableFileError(f"The archive is damaged: {error}.") from None
        except RuntimeError as error:  # what zipfile raises for passwords and unknown compressions
            raise UnreadableFileError(f"The archive cannot be read: {error}. Send a plain zip.") from None


@contextmanager
def open_export(path: Path) -> Iterator[list[ExportFile]]:
    """The files of an export in the order in which they must be read; other files are left alone."""
    if path.is_dir():
        yield _in_order({place.name: [cast(_Place, place)] for place in sorted(path.iterdir())}, path)
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            found: dict[str, list[_Place]] = {}
            for name in archive.namelist():
                if not name.endswith("/") and not name.startswith("__MACOSX/"):
                    member = cast(_Place, zipfile.Path(archive, name))
                    found.setdefault(PurePosixPath(name).name, []).append(member)
            yield _in_order(found, path)
    elif path.exists():
        raise UnreadableFileError(f"{path.name} is neither a folder nor a zip archive.")
    else:
        raise UnreadableFileError(f"{path} does not exist.")


def _in_order(found: dict[str, list[_Place]], path: Path) -> list[ExportFile]:
    files = []
    for entity in Entity:
        places = found.get(f"{entity.value}.csv", [])
        if len(places) > 1:
            raise UnreadableFileError(f"{path.name} holds {entity.value}.csv more than once.")
        files += [ExportFile(entity, place) for place in places]
    if not files:
        wanted = ", ".join(f"{entity.value}.csv" for entity in Entity)
        raise UnreadableFileError(f"{path.name} holds none of {wanted}.")
    return files
