"""What the ledger has of awards and money, of runs in the strict cloud."""

from pathlib import Path

import pytest

from notebake.costs.awards import VARIABLE
from notebake.ledger.entry import Entry
from notebake.ledger.kinds import AWARD
from notebake.recipe import Award, Recipe
from notebake.runs import registry
from notebake.runs.executing import executing
from notebake.runs.people import read_people
from notebake.runs.run import Run
from notebake.runs.run_record import record_place, run_record
from tests.cloud_world import RECIPE, CloudWorld

KNOWN = """\
awards:
  - {number: OCE-1, title: a bay, pi: Ada Example, start: 2026-01-01, end: 2026-12-31}
"""


def with_award(*awards: Award) -> Recipe:
    return RECIPE.model_copy(update={"award": awards})


def entries(run: Run, kind: str) -> list[Entry]:
    return [entry for entry in run_record(run).chain.entries() if entry.kind == kind]


def execute(run: Run) -> None:
    with executing(run):
        pass


def test_an_award_is_recorded_when_it_is_new_or_changed(
    world: CloudWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "awards.yaml"
    file.write_text(KNOWN, encoding="utf-8")
    monkeypatch.setenv(VARIABLE, str(file))
    run = world.new_run(with_award(Award(number="OCE-1", purpose="teaching")))
    execute(run)
    execute(run)
    file.write_text(KNOWN.replace("2026-12-31", "2027-12-31"), encoding="utf-8")
    execute(run)
    execute(registry.update_recipe(run, with_award(Award(number="EDU-2", purpose="a class"))))
    execute(registry.update_recipe(run, RECIPE))

    first, extended, other, none = (entry.body["awards"] for entry in entries(run, AWARD))
    (pseudonym,) = (
        who
        for who, person in read_people(record_place(run.store)).items()
        if person.name == "Ada Example"
    )
    assert first == [
        {
            "number": "OCE-1",
            "purpose": "teaching",
            "share": "100",
            "known": {
                "number": "OCE-1",
                "title": "a bay",
                "pi": pseudonym,
                "start": "2026-01-01",
                "end": "2026-12-31",
                "final_report": None,
            },
        }
    ]
    assert extended[0]["known"]["end"] == "2027-12-31"
    assert (other[0]["number"], other[0]["known"]) == ("EDU-2", None)
    assert none == []


def test_a_run_without_an_award_has_no_such_entry(world: CloudWorld) -> None:
    run = world.new_run()
    execute(run)

    assert entries(run, AWARD) == []
