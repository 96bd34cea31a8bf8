"""The content of a report on an award: sums, failures, lineage, people, verification."""

import datetime
import json
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import pytest

from notebake import clock
from notebake.errors import NotebakeError, RunStoreError
from notebake.reports.grant.collect import collect_report
from notebake.reports.grant.document import Amounts, GrantReport, NamedAmounts
from notebake.runs.charges import read_accounts
from notebake.runs.checkpoints import make_checkpoint
from notebake.runs.recorded_run import VERDICT
from notebake.runs.run_record import record_place
from tests.award_runs import AWARDS, VERDICT_CONTENT, store_award_runs
from tests.recorded_run import HOUR, NOON, At

DECEMBER = (datetime.date(2026, 11, 1), datetime.date(2026, 12, 31))


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    return store_award_runs(tmp_path, monkeypatch)


def report(store: str, days: tuple[datetime.date, datetime.date] = DECEMBER) -> GrantReport:
    with clock.replaced(At(NOON + 40 * 24 * HOUR)):
        return collect_report("OCE-1", store, *days)


def total(rows: Iterable[NamedAmounts]) -> Decimal:
    return sum((Decimal(row.amounts.metered or 0) for row in rows), Decimal())


def test_every_table_has_the_same_sum_as_the_runs(store: str) -> None:
    found = report(store)

    metered = Decimal(found.total.metered or 0)
    runs = [NamedAmounts(name=run.id, amounts=run.amounts) for run in found.runs]
    assert metered == total(runs) == total(found.months) == total(found.outcomes)
    assert metered == sum(Decimal(each.amounts.metered or 0) for each in found.hours)
    *parts, everything = found.reconciliation
    assert everything.name == "all runs of the store"
    assert total(parts) == total([everything])
    assert parts[0].amounts == found.total
    assert found.total.estimated == "0.77", "a third of 0.33, and twice 0.33"


def test_a_month_reported_alone_is_its_part_of_the_whole(store: str) -> None:
    whole = report(store)
    november = report(store, (DECEMBER[0], datetime.date(2026, 11, 30)))
    december = report(store, (datetime.date(2026, 12, 1), DECEMBER[1]))

    assert [row.name for row in whole.months] == ["2026-11", "2026-12"]
    assert [november.total, december.total] == [row.amounts for row in whole.months]
    assert [run.id for run in november.runs] == ["ocean-1"]


def test_what_counts_for_no_award_is_apart(store: str) -> None:
    found = report(store)

    assert [row.name for row in found.unallocated] == ["free-5"]
    assert [row.name for row in found.outside] == ["late-4"]
    by_id = {run.id: run for run in found.runs}
    assert list(by_id) == ["late-4", "ocean-1", "tide-2", "tide-3"]
    assert by_id["late-4"].amounts == Amounts()
    (purpose,) = by_id["ocean-1"].purposes
    assert (purpose.purpose, purpose.share_percent) == ("for OCE-1", "33.3")


def test_failures_say_what_was_done(store: str) -> None:
    by_id = {run.id: run for run in report(store).runs}

    (once,) = by_id["ocean-1"].failures
    assert (once.what, once.message) == ("run_notebook", "cell 3 raised more")
    assert once.remedy == "done by the next try, 2026-11-30 13:30"
    (last,) = by_id["tide-3"].failures
    assert last.remedy == "all temporary was removed, as AWS has shown, 2026-12-06 14:30"
    assert [run.outcome for run in by_id.values()] == [
        *("torn down", "accepted", "accepted", "failed"),
    ]


def test_a_changed_recipe_says_who_changed_what(store: str) -> None:
    by_id = {run.id: run for run in report(store).runs}

    (change,) = by_id["tide-2"].changes
    assert (change.who, change.field) == ("p-gone", "notebook.minimum_figures")
    assert (change.before, change.after) == ("9", "2")
    assert by_id["ocean-1"].changes == ()


def test_every_item_is_listed_whole_with_its_exact_amount(store: str) -> None:
    run = next(run for run in report(store).runs if run.id == "ocean-1")

    assert [(item.what, item.detail) for item in run.items] == [
        ("machine", "m5.large"),
        ("idle machine", "m5.large"),
        ("public address", ""),
        ("disks", "73 GiB"),
    ]
    machine = run.items[0]
    assert Decimal(machine.hours) == Decimal("1.5")
    assert machine.usd_per_hour
    assert Decimal(machine.usd or 0) == Decimal(machine.hours) * Decimal(machine.usd_per_hour)


def test_images_have_their_base_and_what_proved_them(store: str) -> None:
    by_id = {run.id: run for run in report(store).runs}

    first, second = by_id["ocean-1"].image, by_id["tide-2"].image
    assert first
    assert second
    assert (first.base_image, first.base_run) == ("ami-base", "")
    assert (second.base_image, second.base_run) == ("ami-1", "ocean-1")
    assert second.verdict == "9 code cells ran in 3.0 s: 2 figures, 0 numbers."
    assert by_id["tide-3"].image is None


def test_a_verdict_that_is_not_the_recorded_one_is_not_shown(store: str) -> None:
    place = record_place(store)
    place.store.write(f"tide-2/{VERDICT}", VERDICT_CONTENT.replace(b"9", b"8"))
    place.store.write(f"ocean-1/{VERDICT}", b"")

    images = [run.image for run in report(store).runs if run.image]

    assert [image.verdict for image in images] == [
        "unknown: the verdict on the notebook was changed after it was recorded"
    ] * 2


def test_hours_and_people_are_those_of_whole_machines(store: str) -> None:
    found = report(store)

    assert [(run.machine_hours, run.idle_hours) for run in found.runs] == [("2.5000", "1.0000")] * 4
    assert {row.what: row.hours for row in found.hours} == {
        "machine": "6.0000",
        "idle machine": "4.0000",
        "disks": "10.0000",
        "public address": "10.0000",
    }
    assert [(each.name, each.runs, each.accepted) for each in found.people] == [
        ("Ada", 3, 1),
        ("p-gone", 1, 1),
    ]


def test_the_award_is_known_from_the_file_or_from_a_run(
    store: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    facts = report(store).award
    assert (facts.investigator, facts.keep_until) == ("Ada Example", datetime.date(2030, 2, 28))

    (tmp_path / "none.yaml").write_text("awards: []\n", encoding="utf-8")
    monkeypatch.setenv("NOTEBAKE_AWARDS", str(tmp_path / "none.yaml"))
    facts = report(store).award
    assert (facts.title, facts.investigator) == ("A bay", "Ada Example")
    assert (facts.source, facts.keep_until) == ("run tide-3", None)


def test_records_of_a_leap_day_are_kept_for_three_whole_years(store: str, tmp_path: Path) -> None:
    text = AWARDS.replace("2027-02-28", "2028-02-29")
    (tmp_path / "awards.yaml").write_text(text, encoding="utf-8")

    assert report(store).award.keep_until == datetime.date(2031, 3, 1)


@pytest.mark.parametrize(
    ("number", "hint"),
    [("OCE-11", "Did you mean OCE-1?"), ("ZZZ", "Known are: EDU-2, OCE-1.")],
)
def test_an_unknown_award_is_an_error(store: str, number: str, hint: str) -> None:
    with pytest.raises(NotebakeError, match="nor any run of this store names the award") as caught:
        collect_report(number, store)

    assert caught.value.hint == hint


def test_days_in_the_wrong_order_are_an_error(store: str) -> None:
    with pytest.raises(NotebakeError, match="comes before its first"):
        collect_report("OCE-1", store, DECEMBER[1], DECEMBER[0])


def test_a_tampered_record_shows(store: str) -> None:
    assert report(store).verification.findings == ()
    make_checkpoint(store)
    shown = report(store).verification
    assert (shown.checkpoints, shown.newer_runs, shown.states) == (1, 0, {"intact": 6})
    assert shown.anchor
    assert shown.key

    place = record_place(store)
    (path,) = (
        path
        for path in Path(store, place.prefix, "tide-2").iterdir()
        if b'"kind":"estimated"' in path.read_bytes()
    )
    path.write_bytes(path.read_bytes().replace(b"0.3333", b"0.0001"))

    found = report(store)
    assert {run.id: run.state for run in found.runs}["tide-2"] == "tampered"
    assert any("tide-2" in finding for finding in found.verification.findings)


def test_what_a_run_with_an_odd_entry_cost_is_unknown_and_never_left_out(store: str) -> None:
    place = record_place(store)
    (path,) = (
        path
        for path in Path(store, place.prefix, "tide-2").iterdir()
        if b'"kind":"award"' in path.read_bytes()
    )
    entry = json.loads(path.read_bytes())
    path.write_text(json.dumps({**entry, "body": {"x": 1}}), encoding="utf-8")

    accounts, charges = read_accounts(place)
    assert accounts["tide-2"].awards == ()
    assert [(each.column, each.usd) for each in charges if each.run == "tide-2"] == [
        ("metered", None)
    ]
    assert report(store).verification.findings
    assert "tide-2" not in [run.id for run in report(store).runs]
    assert "tide-2" in [row.name for row in report(store).unallocated]


def test_people_that_cannot_be_read_are_named(store: str) -> None:
    place = record_place(store)
    place.store.write(f"{place.prefix}people.json", b"{")

    with pytest.raises(RunStoreError, match=r"people\.json should say who the pseudonyms are"):
        report(store)
