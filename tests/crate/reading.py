"""A crate, made by the command and read as anybody would."""

import json
from pathlib import Path
from typing import Any

from flows.cli.main import main
from tests.crate.runs import Runs


class Crate:
    """A folder with a crate in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        document = json.loads((folder / "ro-crate-metadata.json").read_text())
        self.entities: dict[str, dict[str, Any]] = {
            each["@id"]: each for each in document["@graph"]
        }

    def __getitem__(self, identifier: str) -> dict[str, Any]:
        return self.entities[identifier]

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        return [each for each in self.entities.values() if each["@type"] == kind]

    def read(self, path: str) -> Any:
        return json.loads((self.folder / path).read_text())


def export(world: Runs, run: str, target: Path, *options: str) -> int:
    """Export a run by the command, and return the exit code."""
    return main(
        ["--store", world.location, "history", "export", run, "--crate", str(target), *options]
    )


def crate_of(world: Runs, run: str, *options: str) -> Crate:
    """Return the crate of a run."""
    target = Path(world.location).parent / f"crate-of-{run}"
    assert export(world, run, target, *options) == 0
    return Crate(target)


def ids(value: Any) -> list[str]:
    """Return the ids that a property names."""
    named = value if isinstance(value, list) else [value] if value else []
    return [each["@id"] for each in named]
