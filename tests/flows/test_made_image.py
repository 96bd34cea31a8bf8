"""What a finished build says of itself in Prefect, and the log that it keeps."""

import json
import logging
from pathlib import Path

import pytest

from flows.build_image import show_outcome
from flows.prefect_ui.figures import MOST_CHARACTERS, figures_in_markdown
from flows.prefect_ui.kept_log import keeping_log
from flows.prefect_ui.made_image import EXECUTED, artifact_key, describe_image, describe_in_markdown
from flows.terminal.log_file import LogFile
from notebake.acceptance.evidence import Proof
from notebake.acceptance.outcome import BuildOutcome
from notebake.aws.model import Image, Resource
from notebake.ledger import kinds
from notebake.ledger.summary import Summary
from notebake.notebook.verdict import NotebookVerdict
from notebake.recipe import Recipe
from notebake.runs import files, registry
from notebake.runs.open_store import open_store
from notebake.runs.recorded_run import VERDICT, read_recorded_run
from notebake.runs.run import Run
from notebake.runs.run_record import record_place
from tests.cloud_world import CloudWorld, RefusedCall
from tests.recorded_runs import bake, began, write

IMAGE = Image(id="ami-1", name="notebake/ocean-1", state="available")
METERED = {
    "usd": "0.104",
    "is_complete": True,
    "until": "2026-11-29T12:00:00+00:00",
    "lines": [],
    "monthly_usd": None,
}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run with a verdict and metered costs."""
    made = registry.new_run(Recipe(name="ocean"), "o.yaml", open_store(str(tmp_path / "runs")))
    verdict = NotebookVerdict(cells=8, figures=1, seconds=2.0)
    files.put_file(made, VERDICT, verdict.model_dump_json().encode())
    write(record_place(made.store), [*bake(), (kinds.METERED, METERED)], made.id)
    return made


def outcome(**known: object) -> BuildOutcome:
    facts = {"proof": None, "notebook_path": None, "html_path": None, "left_behind": ()}
    return BuildOutcome.model_validate(
        {"image": IMAGE, "is_accepted": True, **facts, **known}, from_attributes=True
    )


def summary_of(run: Run) -> Summary:
    return read_recorded_run(run.id, run.store).summary


def test_the_message_of_a_finished_flow_run_says_what_was_made(run: Run) -> None:
    assert (
        describe_image(run, outcome(), summary_of(run))
        == "ami-1 accepted, 8 code cells, 1 figure, $0.10"
    )
    refused = describe_image(run, outcome(is_accepted=False), summary_of(run))
    assert refused.startswith("ami-1 not accepted, ")


def test_without_a_verdict_and_costs_only_the_image_is_named(tmp_path: Path) -> None:
    run = registry.new_run(Recipe(name="ocean"), "o.yaml", open_store(str(tmp_path / "runs")))
    write(record_place(run.store), [began()], run.id)

    assert describe_image(run, outcome(), summary_of(run)) == "ami-1 accepted"


def test_the_artifact_has_what_the_terminal_shows(run: Run) -> None:
    made = outcome(
        proof=Proof(image_id="ami-1", sentences=("It *ran* on <two>.",)),
        html_path="/runs/ocean-1/executed.html",
        left_behind=(Resource(kind="instance", id="i-1"),),
        record_anchor="7:abc",
    )

    shown = "\n".join(describe_in_markdown(run, made, summary_of(run), "ami-1 accepted"))

    for line in (
        r"- It \*ran\* on \<two\>.",
        "- `/runs/ocean-1/executed.html`",
        "| Launch the builder | done; removed at the end | 12 s |",
        "- instance `i-1`",
        "`7:abc`",
    ):
        assert line in shown
    assert "nothing was found" not in shown


def test_the_artifact_shows_the_figures_of_the_notebook(run: Run) -> None:
    png, huge = "iVBORw0KGgo=", "A" * (MOST_CHARACTERS + 1)
    script = "AAAA) <script>alert(1)</script>"
    outputs = [{"data": {"image/png": each}} for each in (f"{png}\n", huge, script)]
    notebook = {"cells": [{"cell_type": "code", "outputs": outputs}, {"outputs": [{}]}]}
    files.put_file(run, EXECUTED, json.dumps(notebook).encode())

    shown = "\n".join(describe_in_markdown(run, outcome(), summary_of(run), "accepted"))

    assert f"![Figure 1](data:image/png;base64,{png})" in shown
    assert "1 more in the notebook's page." in shown
    assert "script" not in shown


@pytest.mark.parametrize("broken", [b"", b"[]", b"{}", b'{"cells": 3}', b'{"cells": [3]}'])
def test_what_is_no_notebook_has_no_figures(broken: bytes) -> None:
    assert list(figures_in_markdown(broken)) == []


def test_the_key_of_the_artifact_is_what_prefect_takes(run: Run) -> None:
    from prefect.client.schemas.actions import ArtifactCreate

    key = artifact_key(run)

    assert ArtifactCreate(key=key, type="markdown", data="x").key == key


def test_a_flow_keeps_its_log_with_details_and_its_steps(run: Run) -> None:
    with keeping_log(run):
        logging.getLogger("notebake.test").debug("a detail")

    stored = files.get_file(run, "log.txt")
    assert stored
    assert b"DEBUG" in stored
    assert b"a detail" in stored
    assert not [
        each for each in logging.getLogger("notebake").handlers if isinstance(each, LogFile)
    ]


def test_a_log_that_is_kept_already_is_not_written_twice(run: Run, tmp_path: Path) -> None:
    other = LogFile(tmp_path / "other.txt", show_warning=print)
    logging.getLogger("notebake").addHandler(other)
    try:
        with keeping_log(run):
            logging.getLogger("notebake.test").warning("once")
    finally:
        logging.getLogger("notebake").removeHandler(other)
        other.close()

    assert not files.has_file(run, "log.txt")


def test_an_image_is_accepted_also_if_it_cannot_be_described(world: CloudWorld) -> None:
    made = world.new_run()

    with world.intercepting(
        RefusedCall("DescribeImages", "UnauthorizedOperation", status=403)
    ) as refuses:
        assert show_outcome(made, IMAGE) == "ami-1 accepted"
        assert refuses.fired
