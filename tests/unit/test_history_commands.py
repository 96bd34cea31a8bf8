"""The command `history`: list, show, diff, verify and export, as a person and a script use them."""

import csv
import io
import json
from pathlib import Path

import pytest

from flows.cli.history_export import cell
from flows.cli.main import main
from notebake.ledger import kinds
from notebake.ledger.chain import RecordPlace
from notebake.ledger.entry import hash_of
from notebake.recipe import Recipe
from notebake.runs.open_store import open_store
from notebake.runs.people import Person, pseudonym_of
from notebake.runs.registry import new_run
from notebake.runs.run_record import record_place
from tests import recorded_runs as runs
from tests.json_documents import document, is_utc_time
from tests.recorded_runs import write, write_sealed

ADA = Person(login="ada", host_name="laptop")
OCEAN, TIDE, OPEN = "ocean-20261101-120000-0001", "tide-20261102-120000-0002", "ocean-3"
LOCK = b"numpy==2.1\npandas==2.3\n"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A run store with two sealed runs and one that is open."""
    monkeypatch.setenv("COLUMNS", "80")
    location = str(tmp_path / "runs")
    place = record_place(location)
    ada = pseudonym_of(ADA, place)
    for run_id, recipe in (
        (OCEAN, Recipe(name="ocean")),
        (TIDE, Recipe(name="tide", lease_hours=2)),
    ):
        new_run(recipe, "x.yaml", open_store(location), run_id=run_id)
        write_sealed(place, run_id, recipe, who=ada)
    new_run(Recipe(name="ocean"), "x.yaml", open_store(location), run_id=OPEN)
    write(place, [runs.began(), runs.executing(), runs.step("launch_instance")], OPEN, who="p-gone")
    return location


@pytest.fixture
def place(store: str) -> RecordPlace:
    return record_place(store)


def lines(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> list[str]:
    assert main([*words]) == code
    return capsys.readouterr().out.splitlines()


def listed(capsys: pytest.CaptureFixture[str], store: str, *options: str) -> list[str]:
    words = ["--store", store, "history", "list", *options]
    return [row["run_id"] for row in document(words, capsys)["runs"]]


def test_a_list_shows_who_and_what_became_of_each_run(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = {line.split()[0]: line for line in lines(capsys, "--store", store, "history", "list")}

    assert "ada on laptop" in shown[OCEAN]
    assert f"accepted, {runs.IMAGE}" in shown[OCEAN]
    assert "open: launch_instance done" in shown[OPEN]
    assert "p-gone" in shown[OPEN], "a person without a name has the pseudonym"


def test_a_list_as_json_has_the_documented_fields(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = document(["--store", store, "history", "list"], capsys)

    rows = {row["run_id"]: row for row in found["runs"]}
    sealed, still_open = rows[OCEAN], rows[OPEN]
    assert (sealed["outcome"], sealed["image_id"]) == ("accepted", runs.IMAGE)
    assert sealed["people"] == ["ada on laptop"]
    assert is_utc_time(sealed["ended_at"])
    assert (still_open["outcome"], still_open["last_step"]) == ("open", "launch_instance")
    assert still_open["image_id"] is None


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--open"], {OPEN}),
        (["--recipe", "tide"], {TIDE}),
        (["--person", "ada"], {OCEAN, TIDE}),
        (["--person", "p-gone"], {OPEN}),
        (["--person", "bo"], set()),
        (["--award", "OCE-1"], set()),
        (["--since", "2000-01-01"], {OCEAN, TIDE, OPEN}),
        (["--until", "2000-01-01"], set()),
        (["--outcome", "accepted", "--recipe", "ocean"], {OCEAN}),
        (["--outcome", "open"], {OPEN}),
    ],
    # A set has another order in each process.
    ids=lambda value: " ".join(sorted(value)),
)
def test_filters_choose_runs(
    store: str, options: list[str], expected: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert {*listed(capsys, store, *options)} == expected


def test_days_in_the_wrong_order_are_refused(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    days = ("--since", "2026-12-31", "--until", "2026-10-01")
    with pytest.raises(SystemExit) as refused:
        main(["--store", store, "history", "list", *days])

    assert refused.value.code == 2
    assert "2026-10-01, comes before --since, 2026-12-31" in capsys.readouterr().err


def test_nothing_that_fits_is_said(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert lines(capsys, "--store", store, "history", "list", "--recipe", "moon") == [
        f"No such run is in {store}."
    ]


def test_a_reopened_run_is_open_again(
    store: str, place: RecordPlace, capsys: pytest.CaptureFixture[str]
) -> None:
    write(place, [runs.executing()], TIDE, execution="e-2")

    assert {*listed(capsys, store, "--open")} == {OPEN, TIDE}


def test_a_run_of_before_the_ledger_is_listed_as_not_recorded(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    earlier = new_run(Recipe(name="ocean"), "x.yaml", open_store(store), run_id="old-1")
    event = {"at": "2026-01-01T12:00:00+00:00", "step": "open_ssh", "happening": "done"}
    content = json.dumps({**event, "detail": {}, "seconds": 2.0}).encode()
    open_store(store).write(f"{earlier.id}/events/20260101.json", content)

    rows = document(["--store", store, "history", "list"], capsys)["runs"]
    (row,) = [row for row in rows if row["run_id"] == earlier.id]
    assert (row["outcome"], row["last_step"]) == ("not recorded", "open_ssh")
    page = "\n".join(lines(capsys, "--store", store, "history", "show", earlier.id))
    assert "not recorded" in page
    assert "open_ssh" in page
    assert "Nothing of this run is in the ledger" in page
    assert lines(capsys, "--store", store, "history", "verify", earlier.id, code=4)


def test_a_page_shows_steps_calls_files_and_the_image_in_80_columns(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    page = lines(capsys, "--store", store, "history", "show", OCEAN)

    text = "\n".join(page)
    assert page[0] == f"Run {OCEAN}: accepted"
    for part in (
        "ada on laptop",
        "123456789012",
        "commit c0ffee",
        runs.COMMIT,
        runs.BASE_IMAGE,
        runs.IMAGE,
        "install_software",
        "try 2",
        "RunInstances",
        "refused: RequestLimitExceeded",
        f"{'numpy'.ljust(64, '0')}  locks/requirements.txt",
        "brave-otter, as Prefect says",
    ):
        assert part in text, part
    copied = [line for line in page if "locks/" in line or "notebook/" in line]
    assert max(len(line) for line in page if line not in copied) <= 80


def test_a_page_shows_what_was_expected_and_metered(
    store: str, place: RecordPlace, capsys: pytest.CaptureFixture[str]
) -> None:
    line = {"what": "machine", "hours": "1.5", "is_over": True}
    known = {"usd": "0.004", "is_complete": True, "until": "2026-11-29T12:00:00+00:00"}
    happened: list[runs.Happened] = [
        (kinds.ESTIMATED, {"build": [{"usd": "0.105"}, {"usd": None}], "monthly": []}),
        (kinds.METERED, {**known, "lines": [line], "monthly_usd": None}),
    ]
    write(place, [runs.began(), *happened], "paid")

    shown = " ".join(" ".join(lines(capsys, "--store", store, "history", "show", "paid")).split())

    assert "estimated $0.11 or more what the build should cost" in shown
    assert "metered under $0.01 machines 1 h 30 min, of it idle 0 s; until" in shown
    assert "each month" not in shown


def test_a_page_says_which_machines_nobody_saw_end(
    store: str, place: RecordPlace, capsys: pytest.CaptureFixture[str]
) -> None:
    line = {"what": "machine", "resource": "i-1", "hours": "6.25", "is_over": True}
    known = {"usd": "0.60", "is_complete": True, "until": "2026-11-29T12:00:00+00:00"}
    body = {**known, "lines": [line | {"is_at_most": True}], "monthly_usd": None}
    write(place, [runs.began(), (kinds.METERED, body)], "paid")

    shown = " ".join(" ".join(lines(capsys, "--store", store, "history", "show", "paid")).split())

    assert "; of i-1 at most: EC2 no longer said when it ended" in shown


def test_a_page_says_what_is_not_known(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    page = " ".join(" ".join(lines(capsys, "--store", store, "history", "show", OPEN)).split())

    assert "its end is not recorded" in page
    assert "Whether anything temporary is left" in page
    assert "Who p-gone is: the record holds no name for it any more." in page


def test_an_unknown_run_is_an_error(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (
        ["show", "no"],
        ["diff", OCEAN, "no"],
        ["verify", "no"],
        ["export", "no", "--json"],
    ):
        assert main(["--store", store, "history", *words]) == 1
        assert "There is no run no in" in " ".join(capsys.readouterr().err.split())


def keep(place: RecordPlace, run_id: str, name: str, content: bytes) -> None:
    """Store a file of a run, and record it."""
    place.store.write(f"{run_id}/{name}", content)
    kind, body = runs.stored(name)
    write(place, [(kind, body | {"sha256": hash_of(content)})], run_id, execution="e-2")


@pytest.fixture
def changed(store: str, place: RecordPlace) -> str:
    """The store, with files of both runs that differ."""
    keep(place, OCEAN, "locks/requirements.txt", LOCK)
    keep(place, TIDE, "locks/requirements.txt", LOCK.replace(b"2.1", b"2.2"))
    keep(place, OCEAN, "notebook/verdict.json", b'{"numbers": [1.5, 2.0]}')
    keep(place, TIDE, "notebook/verdict.json", b'{"numbers": [1.5, 2.25]}')
    return store


def test_a_diff_shows_only_what_differs(changed: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--store", changed, "history", "diff", OCEAN, TIDE]
    found = document(words, capsys)["differences"]

    assert [(each["section"], each["what"], each["before"], each["after"]) for each in found] == [
        ("recipe", "lease_hours", "6", "2"),
        ("recipe", "name", "ocean", "tide"),
        ("packages in requirements.txt", "numpy", "2.1", "2.2"),
        ("numbers", "number 2", "2", "2.25"),
    ]
    text = lines(capsys, *words)
    assert "  numpy  2.1  → 2.2" in text
    everything = document([*words, "--all"], capsys)["differences"]
    assert ("pandas", True) in [(each["what"], each["is_same"]) for each in everything]


def test_a_diff_of_a_run_with_itself_is_empty(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--store", store, "history", "diff", OCEAN, OCEAN]

    assert lines(capsys, *words)[0] == "Nothing that was compared differs."


def test_a_changed_file_is_not_compared(changed: str, capsys: pytest.CaptureFixture[str]) -> None:
    open_store(changed).write(f"{TIDE}/locks/requirements.txt", b"numpy==9\n")

    found = document(["--store", changed, "history", "diff", OCEAN, TIDE], capsys)

    assert not [each for each in found["differences"] if "packages" in each["section"]]
    assert found["not_compared"] == [
        f"locks/requirements.txt of run {TIDE} was changed after it was recorded."
    ]


def test_an_intact_record_is_verified(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = document(["--store", store, "history", "verify"], capsys)

    assert {row["run_id"]: (row["state"], row["is_sealed"]) for row in found["runs"]} == {
        OCEAN: ("intact", True),
        TIDE: ("intact", True),
        OPEN: ("intact", False),
    }
    assert "Only what is kept elsewhere is sure to show that" in found["limits"]
    assert "Runs: 3 intact." in lines(capsys, "--store", store, "history", "verify")


def first_entry(store: str, run_id: str) -> Path:
    return Path(store) / "record" / run_id / "00000001.json"


def test_a_tampered_record_has_an_exit_code_of_its_own(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first_entry(store, TIDE).unlink()

    text = "\n".join(lines(capsys, "--store", store, "history", "verify", code=3))
    assert f"{TIDE}  tampered" in text
    assert f"Entry 1 of run {TIDE} is missing" in text
    assert lines(capsys, "--store", store, "history", "verify", OCEAN)
    assert document(["--store", store, "history", "verify", TIDE], capsys, code=3)["runs"]


def test_an_incomplete_record_has_an_exit_code_of_its_own(
    store: str, place: RecordPlace, capsys: pytest.CaptureFixture[str]
) -> None:
    (Path(store) / "record/_seals" / TIDE).rename(Path(store) / "away")

    text = "\n".join(lines(capsys, "--store", store, "history", "verify", code=4))
    assert f"{TIDE}  incomplete" in text
    assert place.store.list(f"record/_seals/{TIDE}/") == []


def test_an_unreadable_record_has_an_exit_code_of_its_own(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = first_entry(store, TIDE)
    path.unlink()
    path.mkdir()
    (path / "x").mkdir()
    path.with_name("00000002.json").unlink()
    path.with_name("00000002.json").symlink_to("00000002.json")

    text = "\n".join(lines(capsys, "--store", store, "history", "verify", code=5))
    assert f"{TIDE}  unreadable" in text


def test_rows_are_exported_as_csv_and_json(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--store", store, "history", "export", "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert main(["--store", store, "history", "export", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)

    assert [row["run_id"] for row in rows] == [row["run_id"] for row in found["runs"]]
    assert rows[0].keys() == found["runs"][0].keys()
    assert rows[0]["people"] == "ada on laptop"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert cell(text) == f"'{text}"
    assert cell([text, "x"]).startswith("'")
    assert cell(None) == ""


def test_one_run_is_exported_with_all_its_entries(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--store", store, "history", "export", OCEAN, "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert found["run"]["result"] == "accepted"
    assert found["entries"][-1]["kind"] == "sealed"
    assert (found["is_recorded"], found["is_sealed"]) == (True, True)


def test_a_page_in_html_has_no_scripts_and_escapes_all_text(
    store: str, place: RecordPlace, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = "<script>alert(1)</script>"
    write(place, [runs.step(evil, "failed", evil)], OPEN)

    assert main(["--store", store, "history", "export", OPEN, "--html"]) == 0

    page = capsys.readouterr().out
    assert page.startswith("<!DOCTYPE html>")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "default-src 'none'" in page
    assert "http://" not in page
    assert "https://" not in page


@pytest.mark.parametrize("words", [["export", "--html"], ["export", OCEAN, "--csv"]], ids=str)
def test_forms_that_do_not_fit_are_refused(
    words: list[str], store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--store", store, "history", *words]) == 1
    assert capsys.readouterr().out == ""


def test_a_record_that_cannot_be_listed_has_the_exit_code_of_what_cannot_be_read(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(store) / "record"
    folder.rename(Path(store) / "away")
    folder.symlink_to("record")

    assert main(["--store", store, "history", "verify"]) == 5
    assert "could not" in capsys.readouterr().err
