"""A build that has to be approved, from a terminal: asked there, or later by `notebake approve`."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import SimpleNamespace

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.exceptions import Pause
from prefect.settings import PREFECT_API_URL

from flows.build_image import build_image
from flows.cli import execution
from flows.cli.exit_codes import AWAITING, DONE, FAILED, MISTYPED
from flows.cli.main import main
from flows.local_prefect import configured_server, session
from flows.terminal.run_page import print_run
from notebake.errors import ApprovalRefusedError
from notebake.ledger.summary import Result
from notebake.runs.approvals.approval_log import questions_of, read_questions
from notebake.runs.open_store import open_store
from notebake.runs.people import read_people
from notebake.runs.recorded_run import read_recorded_run
from notebake.runs.registry import list_runs, load_run
from notebake.runs.run import Run
from notebake.runs.run_record import record_place
from tests.cloud_world import CloudWorld
from tests.flows.baked_without_hosts import bake_without_hosts
from tests.flows.ui import carried_out, now, started_in_ui

pytestmark = pytest.mark.usefixtures("prefect_server")
RECIPE = "name: ocean\nnetwork: {ssh_from: [198.51.100.7/32]}\napprove: [bake, share]\n"
SHARED = "share_with: ['210987654321']\n"


@pytest.fixture(autouse=True)
def baked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr(execution, "running_prefect", without_view)
    monkeypatch.setattr(session, "prefect_server", lambda: nullcontext(lambda: None))
    monkeypatch.setattr(execution, "check_home_if_needed", lambda _store: None)
    return bake_without_hosts(monkeypatch)


@contextmanager
def without_view(
    _run: Run,
    _heading: str,
    _titles: object,
    _wait: object,
    first: Callable[[], AbstractContextManager[None]],
) -> Iterator[SimpleNamespace]:
    """Use the tests' server, and show no progress."""
    with first():
        yield SimpleNamespace(steps=list)


def typed(world: CloudWorld, *words: str) -> int:
    return main(["--store", str(world.directory / "runs"), *words])


def build(world: CloudWorld, more: str = "") -> int:
    path = world.directory / "ocean.yaml"
    path.write_text(RECIPE + more)
    return typed(world, "build", str(path))


def run_of(world: CloudWorld) -> Run:
    store = open_store(str(world.directory / "runs"))
    return load_run(list_runs(store)[-1].id, store)


def sitting(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    """Let somebody sit at the terminal and type these lines."""
    text = io.StringIO("".join(f"{line}\n" for line in lines))
    text.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stdin", text)


def test_where_nobody_can_be_asked_it_ends_and_says_how_to_go_on(
    world: CloudWorld, baked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert build(world, SHARED) == AWAITING

    run, said = run_of(world), capsys.readouterr().err
    assert "Nobody has approved yet to bake an image of ocean in us-west-2" in said
    place = f"notebake --store {run.store}"
    assert f"{place} approve 1\n" in said
    assert f"{place} resume {run.id}\n" in said
    assert not baked
    assert typed(world, "resume", run.id) == AWAITING, "asked twice is asked once"
    assert len(read_questions(run.store)) == 1

    words = ("--name", "Ada", "--reason", "for May")
    assert typed(world, "approve", "1", "--decision", "approve", *words) == DONE
    out = capsys.readouterr().out
    assert "Ada has approved on " in out
    assert f"To go on:  {place} resume {run.id}" in out
    assert typed(world, "resume", run.id) == AWAITING, "now it is about sharing"
    assert baked == [run.id]
    assert read_recorded_run(run.id, run.store).is_sealed, "nothing temporary waits"
    number = max(read_questions(run.store))
    assert typed(world, "approve", str(number), "--decision", "approve", *words) == DONE
    assert typed(world, "resume", run.id) == DONE
    recorded = read_recorded_run(run.id, run.store)
    assert (recorded.is_sealed, recorded.summary.result) == (True, Result.ACCEPTED)
    capsys.readouterr()
    people = read_people(record_place(run.store))
    print_run(recorded, people, questions_of(run.id, run.store))
    page = capsys.readouterr().out
    assert "Approvals" in page
    assert page.count("approved by Ada, as typed in the command line: for May") == 2


def test_whoever_sits_there_is_asked(
    world: CloudWorld,
    baked: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sitting(monkeypatch, "approve", "Ada", "for May")

    assert build(world) == DONE

    assert len(baked) == 1
    out = capsys.readouterr().out
    assert "may we bake an image of ocean in us-west-2?" in out
    assert "Digest of all this: " in out


def test_a_refusal_in_the_terminal_ends_the_run(
    world: CloudWorld,
    baked: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sitting(monkeypatch, "refuse", "Ada", "too dear")

    assert build(world) == FAILED

    assert not baked
    assert "Ada has refused on " in capsys.readouterr().err
    run = run_of(world)
    recorded = read_recorded_run(run.id, run.store)
    assert (recorded.is_sealed, recorded.summary.result) == (True, Result.TORN_DOWN)
    sitting(monkeypatch)
    assert typed(world, "resume", run.id) == FAILED, "a refusal holds for the same plan"


def test_an_empty_answer_leaves_it_open(world: CloudWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    for lines in ((), ("approve",), ("approve", "Ada"), ("perhaps", "Ada", "so")):
        sitting(monkeypatch, *lines)
        assert build(world) in (AWAITING, FAILED)

    (question,) = read_questions(run_of(world).store).values()
    assert question.answer is None


def waiting_in_prefect(world: CloudWorld) -> FlowRun:
    (world.directory / "ocean.yaml").write_text(RECIPE)
    flow_run = started_in_ui(
        build_image,
        recipe_path=str(world.directory / "ocean.yaml"),
        store=str(world.directory / "runs"),
    )
    with pytest.raises(Pause):
        carried_out(flow_run, build_image)
    return flow_run


def test_a_question_of_prefect_is_answered_by_the_command(
    world: CloudWorld,
    baked: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    flow_run = waiting_in_prefect(world)
    monkeypatch.setenv("PREFECT_API_URL", str(PREFECT_API_URL.value()))
    words = ("--decision", "approve", "--name", "Ada", "--reason", "for May")
    capsys.readouterr()
    assert typed(world, "approve", "--json") == DONE
    (listed,) = json.loads(capsys.readouterr().out)["questions"]
    assert (listed["number"], listed["status"], listed["kind"]) == (1, "open", "bake")

    with pytest.raises(SystemExit):
        typed(world, "approve", listed["run_id"], *words)
    assert typed(world, "approve", "1", *words) == DONE

    assert "The run goes on in Prefect." in capsys.readouterr().out
    state = now(flow_run).state
    assert state
    assert (state.type, state.name) == (StateType.SCHEDULED, "Resuming")
    carried_out(now(flow_run), build_image)
    assert len(baked) == 1
    (question,) = read_questions(str(world.directory / "runs")).values()
    assert question.answer
    assert question.answer.channel == "the command line"


def test_without_its_server_resume_has_to_be_pressed(
    world: CloudWorld,
    baked: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    flow_run = waiting_in_prefect(world)
    monkeypatch.setattr(configured_server, "find_configured_server", lambda: None)
    words = ("--decision", "refuse", "--name", "Ada", "--reason", "too dear")

    assert typed(world, "approve", "1", *words) == DONE

    said = capsys.readouterr().out
    assert "Press Resume in Prefect's UI, as no server of Prefect is configured here" in said
    # Whatever is typed into the form then, the first answer counts.
    (question,) = read_questions(str(world.directory / "runs")).values()
    yes = {"decision": "approve", "name": "Eve", "reason": "so", "digest": question.digest}
    with get_client(sync_client=True) as client:
        client.resume_flow_run(flow_run.id, run_input=yes)
    with pytest.raises(ApprovalRefusedError):
        carried_out(now(flow_run), build_image)
    assert not baked


def test_an_answer_needs_a_name_and_a_reason(world: CloudWorld) -> None:
    build(world)

    for words in (("--name", "Ada"), ("--reason", "so"), ()):
        with pytest.raises(SystemExit) as ended:
            typed(world, "approve", "1", "--decision", "approve", *words)
        assert ended.value.code == MISTYPED
    with pytest.raises(SystemExit):
        typed(world, "approve", "--name", "Ada")
    assert typed(world, "approve", "9") == FAILED
    wrong = ("--decision", "approve", "--name", "Ada", "--reason", "so", "--digest", "0" * 32)
    assert typed(world, "approve", "1", *wrong) == FAILED
    (question,) = read_questions(run_of(world).store).values()
    assert question.answer is None
