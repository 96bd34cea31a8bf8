"""Recorded runs with stored files: one of each outcome, of which crates are made."""

import json
from collections.abc import Callable
from pathlib import Path

from notebake.ledger import kinds
from notebake.ledger.chain import RecordPlace
from notebake.ledger.closing import close_if_finished
from notebake.ledger.entry import hash_of
from notebake.recipe import Recipe
from notebake.runs.open_store import open_store
from notebake.runs.people import Person, pseudonym_of
from notebake.runs.registry import new_run
from notebake.runs.run_record import record_place
from tests import recorded_runs as runs
from tests.recorded_runs import Happened, write

ADA = Person(login="ada", host_name="laptop")
GRACE = Person(name="Grace Hopper")
REPOSITORY = "https://example.org/ocean.git"
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
RECIPE = Recipe.model_validate(
    {
        "name": "ocean",
        "description": "Currents, by the hour",
        "repository": {"url": REPOSITORY},
        "notebook": {"path": "currents.ipynb"},
        "datasets": [
            {
                "name": "tides",
                "source": "https://example.org/tides.csv",
                "path": "/data/tides.csv",
                "sha256": SHA256,
            }
        ],
        "award": [{"number": "OCE-2012345", "purpose": "Tide tables for the class"}],
        "tags": {"Owner": "ada"},
    }
)
APT = {
    "format": 1,
    "release": {"id": "ubuntu", "version_id": "24.04", "version_codename": "noble"},
    "architecture": "amd64",
    "indexes": [
        {
            "description": "https://archive.test/ubuntu noble-updates/main amd64 Packages",
            "origin": "Ubuntu",
            "label": "Ubuntu",
            "suite": "noble-updates",
            "codename": "noble",
            "component": "main",
            "architecture": "amd64",
        }
    ],
    "packages": [
        {
            "name": "git",
            "version": "1:2.43.0-1ubuntu7.3",
            "architecture": "amd64",
            "source": "git",
            "source_version": "1:2.43.0-1ubuntu7.3",
            "indexes": [0],
        },
        {
            "name": "libc6",
            "version": "2.39-0ubuntu8.6",
            "architecture": "amd64",
            "source": "glibc",
            "source_version": "2.39-0ubuntu8.6",
            "indexes": [],
        },
    ],
    "notes": [],
}
SOURCES = {
    "format": 2,
    "sources": {"/etc/apt/sources.list": ["deb https://archive.test/ubuntu noble main"]},
    "mirrors": {},
    "preferences": {},
    "keyrings": [],
    "notes": [],
}
CPYTHON = {"version": "3.12.3", "implementation": "CPython", "machine": "x86_64", "libc": "glibc"}
PYTHON = {"format": 1, "environment": CPYTHON, "system": CPYTHON, "index": ""}
FILES = {
    "locks/requirements.txt": b"jupyterlab==4.5.1\nnumpy==2.1.0\nOur_Tool @ git+https://example.org/t.git@5d4140\n",
    "locks/apt.txt": b"git=1:2.43.0-1ubuntu7.3\nlibc6=2.39-0ubuntu8.6\n",
    "locks/apt-packages.json": json.dumps(APT).encode(),
    "locks/apt-sources.json": json.dumps(SOURCES).encode(),
    "locks/papermill.txt": b"papermill==2.6.0\n",
    "locks/python.json": json.dumps(PYTHON).encode(),
    "datasets.json": b'{"sources": []}\n',
    "notebook/executed.ipynb": b'{"cells": [], "metadata": {}, "nbformat": 4}\n',
    "notebook/verdict.json": b'{"numbers": [1.5, 2.0]}\n',
    "proof.json": b'{"image_id": "ami-0123456789abcdef0", "sentences": ["Booted."]}\n',
    "keys/builder.pub": b"ssh-ed25519 AAAA\n",
}
AWARD: Happened = (
    kinds.AWARD,
    {
        "awards": [
            {
                "number": "OCE-2012345",
                "purpose": "Tide tables for the class",
                "share": "100",
                "known": {
                    "number": "OCE-2012345",
                    "title": "Tides",
                    "pi": "p-grace",
                    "start": "2026-01-01",
                    "end": "2028-12-31",
                    "final_report": None,
                },
            }
        ]
    },
)


class Runs:
    """A run store with a run of each outcome, by name."""

    def __init__(self, folder: Path) -> None:
        self.location = str(folder / "runs")
        self.place: RecordPlace = record_place(self.location)
        self.ada = pseudonym_of(ADA, self.place)
        self.grace = pseudonym_of(GRACE, self.place)

    def begin(self, run: str) -> str:
        new_run(RECIPE, "ocean.yaml", open_store(self.location), run_id=run)
        return run

    def write(self, run: str, happened: list[Happened], execution: str = "e-1") -> None:
        """Record what one execution did, and seal the run if that has finished it."""
        chain = write(self.place, happened, run, who=self.ada, execution=execution)
        close_if_finished(chain)

    def keep(self, run: str, *names: str) -> list[Happened]:
        """Store files of the run, and return that they were."""
        found = []
        for name in names or FILES:
            content = FILES[name]
            open_store(self.location).write(f"{run}/{name}", content)
            body = {"name": name, "size": len(content), "sha256": hash_of(content)}
            found.append((kinds.FILE, body))
        return found

    def beginning(self) -> list[Happened]:
        award = json.loads(json.dumps(AWARD[1]).replace("p-grace", self.grace))
        return [
            runs.began(RECIPE),
            runs.executing(),
            (kinds.AWARD, award),
            runs.step("preflight"),
            *runs.call("RunInstances", runs.BUILDER, name="builder-1", ImageId=runs.BASE_IMAGE),
            runs.step("launch_instance", result=runs.BUILDER, seconds=12.25),
            runs.step("clone_repository", result=runs.COMMIT),
        ]

    def ending(self) -> list[Happened]:
        """Return what a build does after its software is there."""
        return [
            runs.step("run_notebook", result="3 cells"),
            *runs.call("CreateImage", runs.IMAGE, name="image", InstanceId=runs.BUILDER),
            runs.step("request_image", result=runs.IMAGE),
            runs.step("prove_image", result="The notebook passed on each."),
            runs.step("publish_image", result=runs.IMAGE),
            *self.removing(),
            runs.outcome(),
            runs.ended(),
        ]

    def removing(self) -> list[Happened]:
        return [
            *runs.call("TerminateInstances", InstanceIds=[runs.BUILDER]),
            runs.step("launch_instance", "undone"),
        ]

    def accepted(self) -> str:
        run = self.begin("ocean-accepted")
        software = [runs.step("install_software", result="7 Python packages"), *self.keep(run)]
        self.write(run, [*self.beginning(), *software, *self.ending()])
        return run

    def failed(self) -> str:
        run = self.begin("ocean-failed")
        failure = runs.step("install_software", "failed", "pip found no numpy==9")
        end = [runs.outcome(""), runs.ended("HostCommandError", "pip found no numpy==9")]
        self.write(run, [*self.beginning(), failure, *self.removing(), *end])
        return run

    def resumed(self) -> str:
        """A run that failed, was resumed with another recipe, and was accepted."""
        run = self.begin("ocean-resumed")
        failure = runs.step("install_software", "failed", "no network")
        self.write(run, [*self.beginning(), failure, runs.ended("HostCommandError", "no network")])
        changed = runs.began(RECIPE.model_copy(update={"lease_hours": 2.0}))[1]
        second = [
            (kinds.RECIPE, changed),
            runs.executing("command resume"),
            runs.step("launch_instance", "found", result=runs.BUILDER),
            runs.step("install_software", result="7 Python packages"),
            *self.keep(run),
            *self.ending(),
        ]
        self.write(run, second, "e-2")
        return run

    def torn_down(self) -> str:
        run = self.begin("ocean-torn-down")
        self.write(run, [*self.beginning(), runs.ended("KeyboardInterrupt")])
        removal = [runs.executing("tear-down"), *self.removing(), runs.outcome(""), runs.ended()]
        self.write(run, removal, "e-2")
        return run

    def open(self) -> str:
        run = self.begin("ocean-open")
        self.write(run, self.beginning())
        return run


KINDS: dict[str, Callable[[Runs], str]] = {
    "accepted": Runs.accepted,
    "failed": Runs.failed,
    "resumed": Runs.resumed,
    "torn down": Runs.torn_down,
    "open": Runs.open,
}
"""How a run of each kind is made."""
