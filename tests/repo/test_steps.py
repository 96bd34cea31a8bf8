"""The steps as they stand in the order of the build, and everywhere else that names them."""

import importlib
from pathlib import Path

from flows.build_plan import BUILD, steps_to_undo, titles
from notebake.runbook.step import Step

ROOT = Path(__file__).parents[2]
STEPS = list(BUILD)
ORDER = [step.name for step in STEPS]


def test_every_file_among_the_tasks_is_one_step_of_the_build() -> None:
    files = sorted(path.stem for path in (ROOT / "tasks").glob("*.py") if path.stem != "__init__")
    made: list[Step] = [importlib.import_module(f"tasks.{name}").STEP for name in files]

    assert sorted(step.name for step in STEPS) == files, "a step is called as its file"
    assert [step.name for step in made] == files
    assert len(set(STEPS)) == len(STEPS)


def test_titles_are_unique_imperatives() -> None:
    named = [title for _, title in titles()]

    assert len(set(named)) == len(named)
    assert all(title[0].isupper() and not title.endswith(".") for title in named)
    assert all(len(title) <= 40 for title in named), "they stand in one column"


def before(step: Step) -> set[str]:
    """Return the names of all steps that are done when this one begins."""
    return {name for earlier in BUILD[step] for name in (earlier.name, *before(earlier))}


def test_a_step_is_listed_after_all_that_it_follows() -> None:
    wrong = [step.name for step in BUILD if any(STEPS.index(earlier) > STEPS.index(step)
             for earlier in BUILD[step])]  # fmt: skip

    assert wrong == []


def test_an_image_is_accepted_when_every_other_step_is_done() -> None:
    assert before(STEPS[-1]) == {step.name for step in STEPS[:-1]}


def test_every_step_that_costs_money_has_an_undo() -> None:
    names = [step.name for step in steps_to_undo()]

    assert names == [
        "launch_acceptance",
        "request_image",
        "snapshot_disks",
        "launch_instance",
        "open_ssh",
        "import_key_pair",
    ]


def test_each_step_says_what_it_needs_gives_and_costs() -> None:
    for name in ORDER:
        text = importlib.import_module(f"tasks.{name}").__doc__ or ""
        assert all(f"\n{word}   " in text for word in ("Needs", "Gives", "Costs")), name
