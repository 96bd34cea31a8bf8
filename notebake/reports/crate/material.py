"""What a crate is made of: the record of a run, and its stored files where they are as recorded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from notebake.errors import NextCommand, NotebakeError
from notebake.ledger.entry import SEALS, latest
from notebake.ledger.kinds import AWARD, BEGAN, EXECUTING, RECIPE
from notebake.ledger.summary import Summary
from notebake.reports.crate.attempts import Attempt, attempts_of
from notebake.runs.checkpoint_check import check_checkpoints
from notebake.runs.people import Person, read_people
from notebake.runs.record_check import RecordState, check_run
from notebake.runs.recorded_run import RecordedRun, read_recorded_file, read_recorded_run
from notebake.runs.run_record import record_place
from notebake.runs.version_check import check_versions

KEYS = "keys/"
"""The public keys with which the run reached its machines; they serve nobody else."""


@dataclass(frozen=True)
class KeptFile:
    """A stored file of the run that is the recorded one."""

    name: str
    content: bytes = field(repr=False)
    sha256: str
    at: str
    """When it was stored, UTC."""


@dataclass(frozen=True)
class Material:
    """All that is known of the run."""

    run: RecordedRun
    people: Mapping[str, Person]
    titles: Mapping[str, str]
    """What each step of the plan does, by its name."""
    files: tuple[KeptFile, ...]
    left_out: tuple[str, ...]
    """Sentences about stored files that are not in the crate."""
    record: Mapping[str, bytes] = field(repr=False)
    """The stored bytes of the run's entries and seals, by their paths in the record."""
    state: RecordState
    """What the verification of the record has shown."""

    @property
    def summary(self) -> Summary:
        return self.run.summary

    @cached_property
    def attempts(self) -> list[Attempt]:
        return attempts_of(self.run.entries)

    @cached_property
    def recipes(self) -> list[dict[str, Any]]:
        """The recorded recipes, oldest first."""
        kinds = (BEGAN, RECIPE)
        return [entry.body["recipe"] for entry in self.run.entries if entry.kind in kinds]

    @cached_property
    def awards(self) -> list[dict[str, Any]]:
        """The awards that pay, with what was known of each; as last recorded."""
        entry = latest(self.run.entries, AWARD)
        return entry.body["awards"] if entry else []

    @property
    def region(self) -> str:
        return str(self.summary.recipe.get("region", ""))

    def image_uri(self, image_id: str) -> str:
        """Return the ARN of an image, which is a URI; "" for none."""
        entry = latest(self.run.entries, EXECUTING)
        partition = (entry.body.get("partition") if entry else "") or "aws"
        return f"arn:{partition}:ec2:{self.region}::image/{image_id}" if image_id else ""


def read_material(run_id: str, location: str, titles: Mapping[str, str]) -> Material:
    """Return all that is known of a run.

    Raises:
        NotebakeError: it is from before the ledger, its record was changed, or it carried out
            no step.
        RunStoreError: the store does not have the run, or cannot be read.
    """
    run = read_recorded_run(run_id, location)
    if not run.is_recorded:
        raise NotebakeError(
            f"Run {run_id} is not recorded, so there is nothing of which a crate could be made: it"
            " began before there was a ledger, or nobody has executed it."
        ).with_next(NextCommand(("history", "show", run_id), "What its files say"))
    checked = check_run(run_id, location, check_versions(location, run_id))
    if any(each.run == run_id for each in check_checkpoints(location, run=run_id).findings):
        checked = checked.model_copy(update={"state": RecordState.TAMPERED})
    if checked.state in (RecordState.TAMPERED, RecordState.UNREADABLE):
        raise NotebakeError(
            f"The record of run {run_id} is {checked.state}, so no crate is made of it."
            f" {checked.error}".rstrip()
        ).with_next(NextCommand(("history", "verify", run_id), "What was found"))
    place = record_place(location)
    files, left_out = read_files(run.summary, location)
    material = Material(
        run=run,
        people=read_people(place),
        titles=titles,
        files=files,
        left_out=left_out,
        record={**place.read_below(run_id), **place.read_below(f"{SEALS}/{run_id}")},
        state=checked.state,
    )
    if all(each.is_undoing for each in material.attempts):
        raise NotebakeError(
            f"Run {run_id} has carried out no step, so a crate of it would hold no provenance."
        ).with_next(NextCommand(("history", "show", run_id), "What is recorded of it"))
    return material


def read_files(summary: Summary, location: str) -> tuple[tuple[KeptFile, ...], tuple[str, ...]]:
    """Return the stored files of a run that are as recorded, and sentences about the others."""
    files, left_out = [], []
    for file in summary.files:
        if file.name.startswith(KEYS):
            continue
        content, wrong = read_recorded_file(summary.run, file, location)
        if content is None:
            left_out.append(f"{file.name} of run {summary.run} {wrong}.")
        else:
            files.append(KeptFile(file.name, content, file.sha256, file.at))
    return tuple(files), tuple(left_out)
