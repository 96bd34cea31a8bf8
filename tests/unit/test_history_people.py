"""`history people`: who the pseudonyms are, and the erasure of a person."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from flows.cli.main import main
from notebake.ledger import kinds
from notebake.ledger.chain import Chain, RecordPlace, Writer
from notebake.runs.people import Person, pseudonym_of, read_people, this_person
from notebake.runs.run_record import record_place
from tests import recorded_runs as runs
from tests.json_documents import document, is_utc_time
from tests.recorded_runs import write, write_sealed

ADA, ADA_AT_HOME = Person(login="ada", host_name="laptop"), Person(login="ada", host_name="home")
BO = Person(login="bo", host_name="laptop")
ROLE = Person(arn="arn:aws:sts::123456789012:assumed-role/baker/ada@example.org")
INVESTIGATOR = Person(name="Grace Hopper")


class Names(dict[str, str]):
    """The pseudonyms of the people of a record, by their labels."""

    def __init__(self, place: RecordPlace) -> None:
        super().__init__((person.label, key) for key, person in read_people(place).items())


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RecordPlace:
    monkeypatch.setenv("COLUMNS", "1000")
    monkeypatch.setenv("NOTEBAKE_HOME", str(tmp_path / "home"))
    return record_place(str(tmp_path / "runs"))


@pytest.fixture
def store(place: RecordPlace) -> str:
    """A run store with two sealed runs, one open run, and people of every kind."""
    ada, role = pseudonym_of(ADA, place), pseudonym_of(ROLE, place)
    pseudonym_of(ADA_AT_HOME, place)
    investigator = pseudonym_of(INVESTIGATOR, place)
    kind, body = runs.executing()
    executed = [runs.began(), (kind, body | {"identity": role}), runs.step("launch_instance")]
    for run in ("ocean-1", "ocean-2"):
        write_sealed(place, run, who=ada)
    write(place, executed, "tide-1", who=pseudonym_of(BO, place))
    award = {"number": "OCE-1", "purpose": "", "share": "100", "known": {"pi": investigator}}
    began, recipe = runs.began()
    recipe["recipe"]["award"] = [{"number": "OCE-1"}]
    write(place, [(began, recipe), (kinds.AWARD, {"awards": [award]})], "tide-2")
    return str(place.store.location)


def people(store: str, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    """Return the document of the command, with the rows by pseudonym."""
    found = document(["--store", store, "history", "people", *options], capsys)
    return found | {"people": {row["pseudonym"]: row for row in found["people"]}}


def erase(store: str, *options: str) -> int:
    return main(["--store", store, "history", "people", "--erase", *options])


def log_of(place: RecordPlace) -> list[dict[str, Any]]:
    entries = Chain(place, "people-log", Writer()).entries()
    return [{"by": entry.who, "at": entry.time, **entry.body} for entry in entries]


def test_each_person_is_listed_with_the_runs_that_mention_them(
    store: str, place: RecordPlace, capsys: pytest.CaptureFixture[str]
) -> None:
    names = Names(place)
    rows = people(store, capsys)["people"]

    counts = {label: rows[pseudonym]["runs"] for label, pseudonym in names.items()}
    assert counts == {
        "ada on laptop": 2,
        "ada on home": 0,
        "bo on laptop": 1,
        ROLE.arn: 1,
        "Grace Hopper": 1,
    }
    assert rows[names["bo on laptop"]]["login"] == "bo"
    assert rows["p-role"]["arn"] is None, "mentioned by a run, and nothing is known of it"
    assert main(["--store", store, "history", "people"]) == 0
    output = capsys.readouterr().out.splitlines()
    assert f"{names['ada on laptop']}  2     ada on laptop" in output
    assert "p-role      2     the record holds no name for it" in output


def test_a_record_without_people_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--store", str(tmp_path), "history", "people"]) == 0
    assert "has no people yet" in capsys.readouterr().out


def test_an_erased_person_is_gone_from_all_but_the_log(
    store: str, place: RecordPlace, capsys: pytest.CaptureFixture[str]
) -> None:
    names = Names(place)
    ada, at_home = names["ada on laptop"], names["ada on home"]

    assert erase(store, "ada", "--because", "asked for it", "--yes") == 0

    output = capsys.readouterr().out
    assert f"Erased: {', '.join(sorted((ada, at_home)))}." in output
    assert "are out of reach" in output
    assert {ada, at_home}.isdisjoint(read_people(place))
    assert names["bo on laptop"] in read_people(place)
    log = log_of(place)
    assert sorted(each["person"] for each in log) == sorted((ada, at_home))
    assert {each["because"] for each in log} == {"asked for it"}
    assert {each["by"] for each in log} == {pseudonym_of(this_person(), place)}
    for path in Path(store, "record").rglob("*.json"):
        assert b'"ada"' not in path.read_bytes()
    rows = people(store, capsys)["people"]
    assert (rows[ada]["runs"], rows[ada]["login"]) == (2, None)
    assert is_utc_time(rows[ada]["erased_at"])
    assert rows[ada]["because"] == "asked for it"


def test_everything_verifies_after_an_erasure_and_the_log_is_under_the_checkpoint(
    store: str, place: RecordPlace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--store", store, "history", "seal"]) == 0
    assert erase(store, "ada", "--yes") == 0
    assert main(["--store", store, "history", "verify"]) == 0
    capsys.readouterr()
    sealed = document(["--store", store, "history", "seal"], capsys)
    assert sealed["added"] == 0, "no run has changed"
    assert main(["--store", store, "history", "verify"]) == 0
    capsys.readouterr()

    for path in Path(store, "record", "people-log").iterdir():
        path.unlink()

    assert main(["--store", store, "history", "verify"]) == 3
    assert "lists a run that is not there any more: people-log" in capsys.readouterr().out
    del place


def test_a_changed_log_of_erasures_is_named(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert erase(store, "ada", "--because", "asked", "--yes") == 0
    path = Path(store, "record", "people-log", "00000001.json")
    path.write_bytes(path.read_bytes().replace(b"asked", b"never"))
    capsys.readouterr()

    found = document(["--store", store, "history", "verify"], capsys, code=3)
    assert any("Entry 2 of run people-log" in each for each in found["findings"])
    assert "people-log" not in {row["run_id"] for row in found["runs"]}


def test_whoever_comes_back_gets_another_pseudonym(store: str, place: RecordPlace) -> None:
    before = Names(place)["bo on laptop"]
    assert erase(store, "bo", "--yes") == 0

    after = pseudonym_of(BO, place)
    assert after != before
    assert pseudonym_of(BO, place) == after


def test_whoever_erases_herself_is_not_listed_for_it(
    store: str, place: RecordPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "ada")
    assert erase(store, "ada", "--yes") == 0

    assert "ada" not in {person.login for person in read_people(place).values()}
    (by,) = {each["by"] for each in log_of(place)}
    assert by in {each["person"] for each in log_of(place)}


@pytest.mark.parametrize(
    "text", ["ada", "ADA", "ada on laptop", ROLE.arn, "ada@example.org", "grace hopper"]
)
def test_a_person_is_meant_by_a_whole_name(store: str, place: RecordPlace, text: str) -> None:
    before = read_people(place)
    assert erase(store, text, "--yes") == 0
    assert before.keys() - read_people(place).keys()


@pytest.mark.parametrize("text", ["ad", "laptop", "example.org", "p-", "", "assumed-role"])
def test_a_part_of_a_name_means_nobody(
    store: str, place: RecordPlace, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = read_people(place)
    assert erase(store, text, "--yes") == 1
    error = capsys.readouterr().err
    assert "The record knows nobody as" in error
    assert "history people" in error
    assert read_people(place) == before
    assert log_of(place) == []


@pytest.mark.parametrize("because", ["ada asked", "left: ADA.", "by ada on laptop"])
def test_a_reason_that_names_the_person_is_refused(
    store: str, place: RecordPlace, because: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = read_people(place)
    assert erase(store, "ada", "--because", because, "--yes") == 1
    assert "The reason names 'ada" in capsys.readouterr().err
    assert (read_people(place), log_of(place)) == (before, [])
    assert erase(store, "ada", "--because", "the adage of Canada", "--yes") == 0


@pytest.mark.parametrize(
    "options",
    [["--erase", "ada"], ["--erase", "ada", "--json"], ["--yes"], ["--because", "asked"]],
    ids=" ".join,
)
def test_without_a_terminal_yes_is_needed(
    store: str, place: RecordPlace, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = read_people(place)
    with pytest.raises(SystemExit) as ended:
        main(["--store", store, "history", "people", *options])
    assert ended.value.code == 2
    assert "--yes" in capsys.readouterr().err
    assert (read_people(place), log_of(place)) == (before, [])


class Terminal(io.StringIO):
    """Standard input at which somebody sits."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("answer", "code"), [("yes\n", 0), ("YES\n", 0), ("no\n", 1), ("\n", 1), ("", 1), ("y\n", 1)]
)
def test_at_a_terminal_it_is_asked_first(
    store: str,
    place: RecordPlace,
    answer: str,
    code: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    ada = Names(place)["ada on laptop"]

    assert erase(store, "ada", "--json") == code

    said = capsys.readouterr()
    assert "for good:" in said.err
    assert f"  {ada}  ada on laptop" in said.err
    assert (ada in read_people(place)) == bool(code)
    if code:
        assert (said.out, log_of(place)) == ("", [])
        assert "Nobody was erased." in said.err
    else:
        assert ada in json.loads(said.out)["erased"]


def test_a_process_killed_between_log_and_file_is_repeated(
    store: str, place: RecordPlace, capsys: pytest.CaptureFixture[str]
) -> None:
    ada = Names(place)["ada on laptop"]
    write(place, [(kinds.ERASED, {"person": ada, "because": ""})], "people-log")

    row = people(store, capsys)["people"][ada]
    assert (row["login"], row["erased_at"]) == ("ada", None), "still there, whatever the log says"
    assert erase(store, ada, "--yes") == 0
    assert ada not in read_people(place)
