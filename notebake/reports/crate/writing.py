"""Writes a crate by the library rocrate: a folder or a zip file, complete or not at all."""

import importlib.util
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from notebake.errors import NotebakeError
from notebake.reports.crate.entities import (
    RO_CRATE,
    TERMS,
    WORKFLOW_RO_CRATE,
    Entity,
    Payload,
    refer,
)

if TYPE_CHECKING:
    from rocrate.rocrate import ROCrate

LIBRARIES = ("rocrate", "cyclonedx")


def check_libraries() -> None:
    """Raise NotebakeError if a library of the extra `crate` is missing."""
    missing = [name for name in LIBRARIES if importlib.util.find_spec(name) is None]
    if missing:
        raise NotebakeError(
            f"A crate is written by the library {' and '.join(missing)}, which is not installed.",
            "Type: pip install 'notebake[crate]'\nIn a checkout, type: make -B .venv/ready",
        )


def check_target(target: Path) -> None:
    """Raise NotebakeError unless a crate can be written there without replacing anything."""
    is_empty_folder = target.is_dir() and not any(target.iterdir())
    if target.exists() and (target.suffix == ".zip" or not is_empty_folder):
        raise NotebakeError(
            f"{target} exists already, and a crate replaces nothing.",
            "Name a new folder, or a new file that ends in .zip.",
        )
    if not target.parent.is_dir():
        raise NotebakeError(f"There is no folder {target.parent}.", f"mkdir -p {target.parent}")


def write_crate(
    target: Path,
    root: Mapping[str, object],
    entities: Iterable[Entity],
    payload: Iterable[Payload],
    record: Payload,
    entries: Mapping[str, bytes],
    preview: str,
) -> None:
    """Write the crate.

    Args:
        target: A folder, or a file that ends in .zip; it does not exist, or is an empty folder.
        root: The properties of the root entity.
        entities: What is described, and is no file.
        payload: The files, each with its entity. The first is the main entity, the workflow.
        record: The entity of the folder with the ledger.
        entries: The files of that folder, by their paths in it.
        preview: A page of HTML about it.

    Raises:
        NotebakeError: it could not be written. Nothing is left of it.
    """
    with _replacing_errors(target), _temporary_folder(target) as temporary:
        staged, written = temporary / "staged", temporary / "crate"
        crate = _describe(root, entities)
        for path, content in entries.items():
            _write(staged / record.path / path, content)
        for position, file in enumerate(payload):
            _write(staged / file.path, file.content)
            added = crate.add_file(staged / file.path, file.path, properties=file.entity)
            if position == 0:
                crate.mainEntity = added
        crate.add_dataset(staged / record.path, record.path, properties=record.entity)
        _add_preview(crate, staged, preview)
        crate.write(written)
        if target.suffix == ".zip":
            written = Path(shutil.make_archive(str(written), "zip", written))
        written.replace(target)


@contextmanager
def _replacing_errors(target: Path) -> Iterator[None]:
    """Say what could not be written; a full disk, for example."""
    try:
        yield
    except OSError as error:
        raise NotebakeError(f"The crate {target} could not be written: {error}") from error


@contextmanager
def _temporary_folder(target: Path) -> Iterator[Path]:
    """Yield a folder on the same disk as the target, which is removed afterwards."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".crate-") as folder:
        yield Path(folder)


def _describe(root: Mapping[str, object], entities: Iterable[Entity]) -> "ROCrate":
    """Return a crate without files."""
    from rocrate.model.contextentity import ContextEntity
    from rocrate.rocrate import ROCrate

    crate = ROCrate(version="1.1")
    crate.metadata.extra_terms.update(TERMS)
    crate.metadata["conformsTo"] = refer(RO_CRATE, WORKFLOW_RO_CRATE)
    for each in entities:
        crate.add(ContextEntity(crate, each["@id"], properties=each))
    for name in root.keys() - {"@id", "@type"}:
        crate.root_dataset[name] = root[name]
    return crate


def _add_preview(crate: "ROCrate", staged: Path, preview: str) -> None:
    from rocrate.model.preview import Preview

    _write(staged / Preview.BASENAME, preview.encode())
    crate.add(Preview(crate, staged / Preview.BASENAME))


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
