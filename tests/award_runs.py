"""Runs of two awards, one of no award and one too late, as the ledger has them."""

from pathlib import Path
from typing import Any

import pytest

from notebake import clock
from notebake.costs.metering import meter
from notebake.costs.prices import table_price
from notebake.ledger import kinds
from notebake.ledger.closing import close_if_finished
from notebake.ledger.entry import hash_of
from notebake.notebook.verdict import NotebookVerdict
from notebake.runs.money_record import to_body
from notebake.runs.people import PEOPLE, Person
from notebake.runs.recorded_run import VERDICT
from notebake.runs.run_record import record_place
from tests.recorded_run import At, RecordedRun, store_run
from tests.recorded_runs import write

AWARDS = """\
awards:
  - {number: OCE-1, title: A bay, pi: Ada Example, start: 2026-01-01, end: 2026-12-10, final_report: 2027-02-28}
"""  # noqa: E501
VERDICT_CONTENT = NotebookVerdict(cells=9, figures=2, seconds=3.0).model_dump_json().encode()


def award(number: str, share: str = "100", end: str = "2026-12-10") -> dict[str, Any]:
    known = {"title": "A bay", "start": "2026-01-01", "end": end, "pi": "p-pi", "number": number}
    return {"number": number, "purpose": f"for {number}", "share": share, "known": known}


def bake(
    run_id: str,
    *awards: dict[str, Any],
    day: int = 0,
    who: str = "p-ada",
    base_image: str = "ami-base",
    image: str = "",
    fails: str = "",
    figures: tuple[int, ...] = (2,),
) -> RecordedRun:
    """Return a run with a machine of 2.5 hours, one of them idle, after so many days."""
    run, begin = RecordedRun(run_id), day * 24.0
    run.who, run.execution = who, f"e-{run_id}"
    for minimum, kind in zip(figures, (kinds.BEGAN, *[kinds.RECIPE] * len(figures)), strict=False):
        recipe = {
            "name": run_id.split("-")[0],
            "region": "us-west-2",
            "notebook": {"minimum_figures": minimum},
        }
        run.add(begin, kind, recipe=recipe, digest="d")
    run.add(begin, kinds.EXECUTING, account="123456789012", code={"version": "1.0"})
    run.add(begin, kinds.AWARD, awards=list(awards))
    run.add(begin, kinds.ESTIMATED, build=[{"what": "builder", "usd": "0.3333"}], monthly=[])
    run.launch(begin, f"i-{run_id}")
    sent = run.entries[-2].body
    sent["parameters"]["ImageId"] = base_image
    run.step(begin + 1.5, took=1.5, step="install_software")
    if fails:
        happened = {"step": "run_notebook", "happening": "failed", "seconds": None}
        run.add(begin + 1.5, kinds.STEP, **happened, detail={"message": "cell 3 raised\nmore"})
    if fails == "once":
        run.step(begin + 1.5, took=0, step="run_notebook")
    if image:
        run.call(begin + 1.5, "CreateImage", image, InstanceId=f"i-{run_id}")
        verdict = {"name": VERDICT, "size": 1, "sha256": hash_of(VERDICT_CONTENT)}
        run.add(begin + 1.5, kinds.FILE, **verdict)
    run.call(begin + 2.5, "TerminateInstances", InstanceIds=[f"i-{run_id}"])
    left = {
        "id": image,
        "name": "n",
        "accepted": "2026-12-01T00:00:00+00:00",
        "snapshots": ["snap-1"],
    }
    error = {"error": "NotebookError", "message": "cell 3"} if fails and not image else {}
    now = run.now(begin + 2.5)
    metered = meter(run.entries, table_price, now=now, ending=run.execution)
    run.add(begin + 2.5, kinds.METERED, **to_body(metered))
    run.add(begin + 2.5, kinds.OUTCOME, image=left if image else None)
    run.add(begin + 2.5, kinds.ENDED, **{"error": "", "message": "", **error})
    return run


RUNS = (
    bake("ocean-1", award("OCE-1", "33.3"), award("EDU-2", "66.7"), image="ami-1", fails="once"),
    bake(
        "tide-2",
        award("OCE-1"),
        day=5,
        base_image="ami-1",
        image="ami-2",
        who="p-gone",
        figures=(9, 2),
    ),
    bake("tide-3", award("OCE-1"), day=6, fails="for ever"),
    bake("late-4", award("OCE-1"), day=14),
    bake("free-5", day=7),
    bake("other-6", award("EDU-2"), day=7),
)


def store_award_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Write the runs into a store, sealed, and the file of awards; return the store's location."""
    awards = folder / "awards.yaml"
    awards.write_text(AWARDS, encoding="utf-8")
    monkeypatch.setenv("NOTEBAKE_AWARDS", str(awards))
    location = str(folder / "runs")
    place = record_place(location)
    for run in RUNS:
        store_run(run, place)
        with clock.replaced(At(run.entries[-1].at)):
            chain = write(place, [], run.run, who=run.who, execution=run.execution)
            assert close_if_finished(chain)
    people = {"p-ada": Person(name="Ada"), "p-pi": Person(name="Ada Example")}
    place.store.write(f"{place.prefix}people.json", PEOPLE.dump_json(people))
    for run_id in ("ocean-1", "tide-2"):
        place.store.write(f"{run_id}/{VERDICT}", VERDICT_CONTENT)
    return location
