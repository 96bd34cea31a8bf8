import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks import ten_world
from benchmarks.attribution import BEFORE, REST, Piece, Span, attribute
from benchmarks.bakes import Bake, measured
from benchmarks.baking import compare, order, spelled
from benchmarks.breakdown import by_kind, by_step, kept_times, longest
from benchmarks.processors import kept_to, machines_watched
from benchmarks.program import Ended, run_to_end
from benchmarks.recipes import RECIPE, write_recipe
from benchmarks.scripted_cloud import cloud_started
from benchmarks.section import Section, Table, as_markdown, as_text, at_most
from notebake.recipe import Recipe
from notebake.recipe.file import load_recipe
from notebake.runs.events import record_outcome
from notebake.runs.open_store import open_store
from notebake.runs.registry import new_run
from notebake.waiting import wait_until
from tests.ec2_actions import Ec2Actions, client
from tests.limits import HANG_SECONDS


def span(
    kind: str,
    began: float,
    ended: float,
    *,
    thread: int = 1,
    depth: int = 1,
    name: str = "",
    step: str = "",
) -> Span:
    return Span(thread, depth, kind, name or kind, step, began, ended)


def seconds_by_kind(pieces: list[Piece]) -> dict[str, float]:
    found: dict[str, float] = {}
    for piece in pieces:
        found[piece.kind] = found.get(piece.kind, 0.0) + piece.seconds
    return found


def test_time_is_attributed_to_the_innermost_span_of_a_thread() -> None:
    spans = [span("own code", 0, 10), span("AWS calls", 2, 5, depth=2)]

    assert seconds_by_kind(list(attribute(spans, 0, 10))) == {"own code": 7, "AWS calls": 3}


def test_time_of_overlapping_threads_goes_to_the_kind_listed_first() -> None:
    spans = [span("Prefect", 0, 10), span("remote work", 3, 6, thread=2)]

    assert seconds_by_kind(list(attribute(spans, 0, 10))) == {"Prefect": 7, "remote work": 3}


def test_every_second_is_attributed_exactly_once() -> None:
    spans = [
        span("remote work", -5, 4),
        span("AWS calls", 3, 8, thread=2),
        span("imports", 7, 9, thread=3),
        span("run store", 11, 30),
    ]

    found = seconds_by_kind(list(attribute(spans, 0, 20)))

    assert found == {"remote work": 4, "AWS calls": 4, "imports": 1, REST: 2, "run store": 9}
    assert sum(found.values()) == 20


def test_a_build_without_spans_is_attributed_to_rest() -> None:
    assert list(attribute([], 5, 7)) == [Piece(None, 2)]


def test_the_tables_of_a_breakdown_agree_on_the_whole() -> None:
    spans = [span("Prefect", 0, 2), span("remote work", 2, 9, step="install", name="uv")]
    pieces = list(attribute(spans, 0, 10))

    assert by_kind(pieces).rows[-1] == ("in all", "10.0", "")
    steps = {row[0]: row[1:4] for row in by_step(pieces, {"install": (1.5, 7.5)}).rows}
    assert steps == {BEFORE: ("", "", "3.0"), "install": ("1.5", "7.5", "7.0")}
    assert longest(pieces).rows[0] == ("uv (remote work)", "install", "1", "7.00")


def test_the_steps_of_a_breakdown_are_those_that_the_run_has_recorded(tmp_path: Path) -> None:
    run = new_run(Recipe(name="ocean"), "ocean.yaml", open_store(str(tmp_path)))
    record_outcome(run, "preflight", "found")
    began = time.time()
    record_outcome(run, "install", "done", seconds=1.5)
    record_outcome(run, "install", "undone", seconds=30)

    ((step, (after, seconds)),) = kept_times(tmp_path, began - 10).items()

    assert (step, seconds) == ("install", 1.5)
    assert after >= 8.4, "a step began so many seconds before its outcome was recorded"


def test_a_scripted_host_is_reached_where_ec2_says_that_it_is(tmp_path: Path) -> None:
    with cloud_started(ten_world.write_recipe(tmp_path / "ocean.yaml", 1)) as cloud:
        ec2 = client("ec2", cloud.url)
        (image,) = ec2.describe_images(Owners=["099720109477"])["Images"][:1]
        world = Ec2Actions(ec2, image["ImageId"], "us-west-2a")
        shown = world.instance(world.launch_running(InstanceType="m5.large"))
        place = shown["PublicIpAddress"], cloud.ssh_port
        wait_until(lambda: greeting(place), what="sshd", timeout_seconds=HANG_SECONDS)
    assert shown["PublicIpAddress"] != shown["PrivateIpAddress"]


def greeting(place: tuple[str, int]) -> str | None:
    """Return what a server of ssh says first; None if nobody listens there."""
    try:
        with socket.create_connection(place, HANG_SECONDS) as line:
            return line.recv(100).decode()
    except ConnectionRefusedError:
        return None


def bake(tool: str, image: float, whole: float) -> Bake:
    return Bake(tool, image, whole, (0.0, image, 0.0, whole - image))


def test_bakes_are_compared_by_their_medians() -> None:
    ours = [bake("notebake", 30, 80), bake("notebake", 500, 900), bake("notebake", 32, 78)]
    packer = [bake("Packer", 40, 60), bake("Packer", 40, 61), bake("Packer", 41, 62)]

    section = compare([*ours, *packer], "aws")

    image, whole = section.tables[0].rows
    assert image == (
        "launch to image available",
        "40.0 (40.0, 40.0, 41.0)",
        spelled([30, 500, 32]),
        "0.80",
    )
    assert whole[-1] == "1.31"
    assert [goal.partition(":")[0] for goal in section.goals] == ["met", "MISSED"]


def test_the_rehearsals_recipe_is_rewritten_and_nothing_else_of_it(tmp_path: Path) -> None:
    written = load_recipe(write_recipe(tmp_path, "git://10.0.0.1", without=("instance_store",)))

    original = load_recipe(RECIPE)
    assert written.repository
    assert written.repository.url == "git://10.0.0.1/ocean"
    left_out = original.model_copy(update={"instance_store": written.instance_store})
    assert left_out.model_copy(update={"repository": written.repository}) == written


def test_what_is_started_stays_on_its_processor() -> None:
    before = os.sched_getaffinity(0)
    only = {min(before)}
    command = [sys.executable, "-c", "import os; print(os.sched_getaffinity(0))"]

    with kept_to(only):
        found = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert found.strip() == str(only)
    assert os.sched_getaffinity(0) == before


def test_machines_that_were_never_seen_are_an_error(tmp_path: Path) -> None:
    with (
        pytest.raises(RuntimeError, match=r"used processors \[\]"),
        machines_watched(tmp_path, {0}),
    ):
        pass


def test_each_tool_goes_first_in_turn() -> None:
    assert [order(pair)[0] for pair in (1, 2, 3)] == ["Packer", "notebake", "Packer"]


def test_a_bake_is_timed_by_its_own_image_and_its_last_stop() -> None:
    def call(action: str, at: float, code: str = "OK") -> dict[str, object]:
        return {"action": action, "time": at, "code": code}

    def change(kind: str, state: str, at: float) -> dict[str, object]:
        return {"kind": kind, "state": state, "time": at}

    calls = [
        call("RunInstances", 9, "DryRunOperation"),
        call("RunInstances", 10),
        call("StopInstances", 30),
        call("StopInstances", 50),
        call("CreateImage", 52),
        call("RunInstances", 60),
        call("StopInstances", 61),
    ]
    changes = [
        change("image", "available", 1),
        change("image", "pending", 52),
        change("instance", "available", 53),
        change("image", "available", 55),
    ]

    found = measured("notebake", Ended(4, 70), calls, changes)

    assert found.launch_to_image == 45
    assert found.phases == (6, 40, 5, 15)
    assert found.whole == sum(found.phases) == 66


SECTION = Section(
    "A title",
    (Table(("what", "s"), (("one", "1.0"), ("a|b", "10.0"))),),
    (at_most("one", 1.0, 2, "s"), at_most("two", 2.001, 2)),
    ("A note.",),
)


def test_a_section_is_aligned_text() -> None:
    assert as_text(SECTION).splitlines() == [
        "A title",
        "=======",
        "",
        "  what     s",
        "  ----  ----",
        "  one    1.0",
        "  a|b   10.0",
        "",
        "Goals",
        "  - met: one: 1.00 s, wanted at most 2 s",
        "  - MISSED: two: 2.00, wanted at most 2",
        "",
        "Notes",
        "  - A note.",
    ]


def test_a_section_is_a_table_of_markdown() -> None:
    lines = as_markdown(SECTION).splitlines()

    assert lines[:6] == [
        "### A title",
        "",
        "| what | s |",
        "| --- | ---: |",
        "| one | 1.0 |",
        r"| a\|b | 10.0 |",
    ]


def test_a_program_that_fails_says_how_it_ended(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('no room'); raise SystemExit(3)"]

    with pytest.raises(RuntimeError, match=r"ended with 3:\nno room"):
        run_to_end(command, os.environ, tmp_path / "log")


def test_a_program_that_times_out_is_killed_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.program.LIMIT_SECONDS", 0.5)
    kept = tmp_path / "process"
    script = f"sleep 60 & echo $! > {kept}; wait"

    with pytest.raises(RuntimeError, match="not ended within"):
        run_to_end(["bash", "-c", script], os.environ, tmp_path / "log")

    deadline = time.monotonic() + HANG_SECONDS
    while is_alive(kept.read_text().strip()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_alive(kept.read_text().strip())


def is_alive(process_id: str) -> bool:
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
