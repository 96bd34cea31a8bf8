"""The command `costs`: sums by run, recipe, person and award, from the ledgers of a run store."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from flows.cli.main import main
from notebake.costs.metering import meter
from notebake.costs.prices import table_price as price_of_type
from notebake.ledger.kinds import AWARD, BEGAN, ESTIMATED, METERED
from notebake.ledger.verify import verify_run
from notebake.runs.money_record import to_body
from notebake.runs.people import PEOPLE, Person
from notebake.runs.run_record import record_place
from tests.json_documents import document
from tests.recorded_run import RecordedRun, store_run

LONG = f"ocean-{'x' * 34}-20261130-120000-1a2b"


def award(number: str, share: str = "100", end: str = "2028-12-31") -> dict[str, Any]:
    known = {"title": "a bay", "start": "2026-01-01", "end": end, "pi": "p-pi"}
    return {"number": number, "purpose": "b", "share": share, "known": known}


def bake(
    run_id: str,
    *awards: dict[str, Any],
    who: str = "p-ada",
    kind: str = "m5.large",
    estimated: str | None = "0.245",
    first_hour: float = 0,
) -> RecordedRun:
    """Return a run with a machine of 2 hours: 0.192 + 0.01 + 0.016 dollars."""
    run = RecordedRun(run_id)
    run.who = who
    run.add(first_hour, BEGAN, recipe={"name": run_id.split("-")[0]}, digest="d")
    run.begin(first_hour)
    if awards:
        run.add(first_hour, AWARD, awards=list(awards))
    line = {"what": "builder", "usd": estimated}
    run.add(first_hour, ESTIMATED, build=[line], monthly=[])
    run.launch(first_hour, kind=kind)
    run.step(first_hour + 2, took=2)
    run.call(first_hour + 2, "TerminateInstances", InstanceIds=["i-1"])
    run.end(first_hour + 2)
    metered = meter(run.entries, price_of_type, now=run.now(first_hour + 2))
    run.add(first_hour + 2, METERED, **to_body(metered))
    return run


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A store with four runs: two awards, none, and one that ended before the run."""
    place = record_place(str(tmp_path))
    shares = (award("OCE-1", "33.3"), award("EDU-2", "66.7"))
    for run in (
        bake("ocean-1", *shares),
        bake("ocean-2", who="p-gone", first_hour=24),
        bake("sea-1", award("OCE-1"), kind="zz9.large", estimated=None),
        bake(LONG, award("OLD-3", end="2026-06-30"), who="p-grace"),
    ):
        store_run(run, place)
    people = {
        "p-ada": Person(login="ada", host_name="lab"),
        "p-grace": Person(name="Grace Example"),
    }
    place.store.write(f"{place.prefix}people.json", PEOPLE.dump_json(people))
    return str(tmp_path)


def costs(store: str, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    return document(["--store", store, "costs", *words], capsys)


def rows(found: dict[str, Any], field: str = "rows") -> dict[str, tuple[float | None, ...]]:
    """Return estimated and metered by name, and by the reason where there is one."""
    return {
        ", ".join(filter(None, (row["name"], row.get("reason")))): (
            row["estimated_usd"],
            row["metered_usd"],
        )
        for row in found[field]
    }


def test_sums_by_run_add_up_to_the_cent(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = costs(store, capsys)

    assert rows(found) == {
        "ocean-1": (0.25, 0.22),
        "ocean-2": (0.25, 0.22),
        "sea-1": (None, 0.03),
        LONG: (0.25, 0.22),
    }
    assert (found["estimated_usd"], found["metered_usd"]) == (0.75, 0.69)
    assert found["billed_usd"] is None
    assert [row["name"] for row in found["rows"] if row["has_unknown_price"]] == ["sea-1"]
    assert sum(row["metered_usd"] for row in found["rows"]) == pytest.approx(0.69)


def test_sums_by_award_show_apart_what_counts_for_none(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = costs(store, capsys, "--by", "award")

    assert rows(found) == {"EDU-2": (0.17, 0.15), "OCE-1": (0.08, 0.1)}
    assert found["apart"] == costs(store, capsys)["apart"], "in each report they are the same"
    assert rows(found, "apart") == {
        "no award": (0.25, 0.22),
        "OLD-3, outside of its period": (0.25, 0.22),
    }
    both = [*found["rows"], *found["apart"]]
    assert sum(row["metered_usd"] for row in both) == pytest.approx(found["metered_usd"])
    assert sum(row["estimated_usd"] for row in both) == pytest.approx(found["estimated_usd"])


def test_people_are_named_unless_they_were_erased(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = costs(store, capsys, "--by", "person")

    assert [row["name"] for row in found["rows"]] == ["Grace Example", "ada on lab", "p-gone"]


def test_recipes_are_summed_over_their_runs(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert list(rows(costs(store, capsys, "--by", "recipe"))) == ["ocean", "sea"]


@pytest.mark.parametrize(
    ("words", "runs"),
    [
        (("--since", "2026-12-01"), ["ocean-2"]),
        (("--until", "2026-11-30"), ["ocean-1", "sea-1", LONG]),
        (("--since", "2026-12-02"), []),
    ],
)
def test_days_choose_what_began_in_them(
    words: tuple[str, ...], runs: list[str], store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sorted(rows(costs(store, capsys, *words))) == sorted(runs)


def test_the_table_fits_80_columns_and_a_long_name_has_its_own_line(
    store: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    assert main(["--store", store, "costs"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert LONG in lines
    assert max(map(len, lines)) < 80
    assert lines[0].split() == ["US", "dollars,", "by", "run", "estimated", "metered", "billed"]
    assert [line.split()[1:] for line in lines if line.startswith("sea-1")] == [
        ["?", "≥", "0.03", "-"]
    ]
    assert "no award" in "\n".join(lines)


def test_an_execution_that_was_killed_before_it_metered_is_metered_by_its_entries(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = RecordedRun("ocean-1")
    run.begin(0)
    run.launch(0)
    run.call(1, "CreateTags")
    store_run(run, record_place(str(tmp_path)))

    found = costs(str(tmp_path), capsys)

    assert found["metered_usd"] == 0.11
    assert found["up_when_metered"] == ["ocean-1"]
    assert found["estimated_usd"] is None


def test_an_empty_store_has_cost_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--store", str(tmp_path), "costs"]) == 0
    assert "Nothing in this run store has cost anything" in capsys.readouterr().out

    found = costs(str(tmp_path), capsys)
    assert found["rows"] == []
    json.dumps(found)


def test_a_day_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["costs", "--since", "yesterday"])

    assert "yesterday is no day, such as 2026-11-23" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--since", "2026-12-31", "--until", "2026-10-01"), "comes before --since"),
        (("--all-regions",), "--all-regions goes with --standing"),
        (("--region", "us-west-2"), "--region goes with --standing"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    words: tuple[str, ...], said: str, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["--store", store, "costs", *words])

    assert refused.value.code == 2
    assert said in capsys.readouterr().err


BILL = """\
Tag,notebake:run$ocean-1($),notebake:run$ocean-2($),notebake:run$other-9($),Total costs($)
Tag total,0.3,0.2,1,1.5
2026-11-01,0.3,0.2,1,1.5
"""


def billed(found: dict[str, Any], field: str = "rows") -> dict[str, float]:
    return {
        row["name"] or row["reason"]: row["billed_usd"]
        for row in found[field]
        if row["billed_usd"] is not None
    }


def test_what_was_billed_is_stored_once_and_stands_in_its_own_column(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "costs.csv"
    path.write_text(BILL, encoding="utf-8")
    place = record_place(store)
    before = set(place.store.list(place.prefix))

    found = costs(store, capsys, "--billed", str(path))
    again = costs(store, capsys, "--billed", str(path))

    assert billed(found) == {"ocean-1": 0.3, "ocean-2": 0.2, "other-9": 1.0}
    assert found["metered_usd"] == 0.69
    assert (found, again["billed_usd"]) == (again, 1.5)
    (new,) = set(place.store.list(place.prefix)) - before
    stored = place.store.read(new)
    assert stored
    kept = json.loads(stored.content)
    assert kept["sha256"] == hashlib.sha256(BILL.encode()).hexdigest()
    assert (kept["file"], kept["who"][:2]) == ("costs.csv", "p-")
    assert [verify_run(place, run).findings for run in ("ocean-1", "ocean-2")] == [(), ()]


def test_a_month_in_which_a_run_began_counts_for_its_awards(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "costs.csv"
    path.write_text(BILL, encoding="utf-8")

    found = costs(store, capsys, "--billed", str(path), "--by", "award")

    assert billed(found) == {"EDU-2": 0.2, "OCE-1": 0.1}
    assert billed(found, "apart") == {"no award": 1.2}


def test_a_later_export_takes_the_place_of_earlier_ones_for_its_days(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "costs.csv"
    path.write_text(BILL, encoding="utf-8")
    costs(store, capsys, "--billed", str(path))
    corrected = "Tag,notebake:run$ocean-1($)\n2026-11-02,0.1\n2026-11-30,0.15\n2026-11-01,0\n"
    path.write_text(corrected + "2026-12-01,0.05\n", encoding="utf-8")

    found = costs(store, capsys, "--billed", str(path))

    assert billed(found) == {"ocean-1": 0.3, "ocean-2": 0.2, "other-9": 1.0}
    assert billed(costs(store, capsys, "--since", "2026-12-01")) == {
        "ocean-1": 0.05,
        "ocean-2": 0.2,
    }


def test_who_goes_back_to_an_earlier_export_gets_its_amounts(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = record_place(store)
    right, wrong, later = (tmp_path / name for name in ("a.csv", "b.csv", "c.csv"))
    right.write_text("Tag,notebake:run$ocean-1($)\n2026-11-02,7\n", encoding="utf-8")
    wrong.write_text("Tag,notebake:run$ocean-1($)\n2026-11-02,99\n", encoding="utf-8")
    later.write_text("Tag,notebake:run$ocean-1($)\n2026-12-02,1\n", encoding="utf-8")
    for path in (right, wrong, later):
        costs(store, capsys, "--billed", str(path))

    for path, usd in ((right, 8.0), (right, 8.0), (wrong, 100.0), (right, 8.0), (later, 8.0)):
        assert billed(costs(store, capsys, "--billed", str(path))) == {"ocean-1": usd}

    kept = place.store.list(f"{place.prefix}billed-")
    assert len(kept) == 6, "what counts already is not stored again"


def test_a_wrong_export_is_refused_and_not_stored(
    store: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "costs.csv"
    path.write_text(BILL.replace("2026-11-01,0.3", "2026-11-01,x"), encoding="utf-8")
    monkeypatch.setenv("COLUMNS", "200")

    assert main(["--store", store, "costs", "--billed", str(path)]) == 1

    assert "costs.csv:3: column notebake:run$ocean-1($): must be" in capsys.readouterr().err
    assert billed(costs(store, capsys)) == {}
