"""What a crate says of a run: what was tried, by whom, with what, and what came of it."""

import datetime
import json
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from flows.cli.main import main
from notebake.ledger.entry import hash_of
from notebake.reports.crate import writing
from notebake.reports.crate.entities import COMPLETED, FAILED
from notebake.runs.checkpoints import make_checkpoint
from notebake.runs.open_store import open_store
from notebake.runs.people import KEY, PEOPLE, read_people
from tests import recorded_runs as runs
from tests.crate.reading import Crate, crate_of, export, ids
from tests.crate.runs import FILES, KINDS, REPOSITORY, Runs

IMAGE = f"arn:aws:ec2:us-west-2::image/{runs.IMAGE}"
BASE_IMAGE = f"arn:aws:ec2:us-west-2::image/{runs.BASE_IMAGE}"


def test_an_accepted_run_gave_the_image_and_its_files(world: Runs) -> None:
    crate = crate_of(world, world.accepted())

    run = crate["#run"]
    assert (run["actionStatus"], run["instrument"]) == (COMPLETED, {"@id": "plan.json"})
    assert "error" not in run
    assert {IMAGE, "files/notebook/executed.ipynb", "files/proof.json"} <= {*ids(run["result"])}
    assert {"recipe-1.json", BASE_IMAGE, f"#commit-{runs.COMMIT}", "#dataset-tides"} <= {
        *ids(run["object"])
    }
    assert crate[f"#commit-{runs.COMMIT}"]["codeRepository"] == REPOSITORY
    assert "no content digest" in crate[IMAGE]["description"]
    assert crate[IMAGE]["value"] == runs.IMAGE
    assert ids(crate["#try-run_notebook-1"]["result"])[1:] == [
        "files/notebook/executed.ipynb",
        "files/notebook/verdict.json",
    ]


def test_a_failed_run_says_why_and_has_no_image(world: Runs) -> None:
    crate = crate_of(world, world.failed())

    run, attempt = crate["#run"], crate["#try-install_software-1"]
    assert (run["actionStatus"], run["error"]) == (
        FAILED,
        "HostCommandError: pip found no numpy==9",
    )
    assert (attempt["actionStatus"], attempt["error"]) == (FAILED, "pip found no numpy==9")
    assert crate["#execution-e-1"]["error"] == run["error"]
    assert IMAGE not in crate.entities
    assert not {"image.json", "provenance.intoto.json"} & crate.entities.keys()
    assert "#tool-run_notebook" not in ids(crate["plan.json"]["hasPart"]), "it never ran"
    assert "#step-run_notebook" in ids(crate["plan.json"]["step"])


def test_a_resumed_run_has_each_try_with_its_execution_and_its_recipe(world: Runs) -> None:
    crate = crate_of(world, world.resumed())

    first, second = crate["#try-install_software-1"], crate["#try-install_software-2"]
    assert (first["actionStatus"], second["actionStatus"]) == (FAILED, COMPLETED)
    assert (ids(first["object"]), ids(second["object"])) == (["recipe-1.json"], ["recipe-2.json"])
    assert "result" not in first
    assert "files/locks/requirements.txt" in ids(second["result"])
    by_execution = {each["@id"]: ids(each["object"]) for each in crate.of_type("OrganizeAction")}
    assert "#control-install_software-1" in by_execution["#execution-e-1"]
    assert "#control-install_software-2" in by_execution["#execution-e-2"]
    assert "#try-launch_instance-2" not in crate.entities, "what was only found was not tried"
    assert crate.read("recipe-1.json")["lease_hours"] == 6
    assert crate["#value-lease_hours"]["value"] == crate.read("recipe-2.json")["lease_hours"] == 2


def test_a_torn_down_run_says_so_and_what_was_undone(world: Runs) -> None:
    crate = crate_of(world, world.torn_down())

    assert crate["#run"]["actionStatus"] == FAILED
    assert crate["#run"]["error"] == (
        "The run was torn down without an accepted image. Before: KeyboardInterrupt"
    )
    (undoing,) = crate.of_type("DeleteAction")
    assert undoing["name"] == "Undo: Launch the builder"
    assert "#execution-e-2" not in crate.entities, "it only undid"


def test_an_open_run_is_not_said_to_have_ended(world: Runs) -> None:
    run = crate_of(world, world.open())["#run"]

    assert run["actionStatus"] == "http://schema.org/ActiveActionStatus"
    assert "endTime" not in run


def test_a_killed_execution_has_no_end_and_is_not_said_to_go_on(world: Runs) -> None:
    run = world.open()
    assert "endTime" not in (going_on := crate_of(world, run)["#execution-e-1"])
    assert going_on["actionStatus"] == "http://schema.org/ActiveActionStatus"
    resumed = [runs.executing(), runs.step("run_notebook"), *world.ending()]
    world.write(run, resumed, "e-2")

    target = Path(world.location).parent / "resumed"
    assert export(world, run, target) == 0

    killed = Crate(target)["#execution-e-1"]
    assert (killed["actionStatus"], "endTime" in killed) == (FAILED, False)
    assert killed["error"] == "Its end is not recorded: the process was killed."
    assert Crate(target)["#execution-e-2"]["actionStatus"] == COMPLETED
    assert "incomplete" in Crate(target)["./"]["description"]


def test_what_cannot_be_written_is_an_error_that_leaves_nothing(
    world: Runs,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fill_the_disk(_: Path, __: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing, "_write", fill_the_disk)

    told = refusal(world, world.failed(), tmp_path / "crate", capsys)

    assert "could not be written: [Errno 28] No space left on device" in told


def test_a_step_began_so_many_seconds_before_it_ended(world: Runs) -> None:
    attempt = crate_of(world, world.open())["#try-launch_instance-1"]

    began, ended = (
        datetime.datetime.fromisoformat(attempt[name]) for name in ("startTime", "endTime")
    )
    assert (ended - began).total_seconds() == pytest.approx(12.25, abs=0.002)


def test_people_have_names_only_where_the_record_has_them(world: Runs) -> None:
    run = world.accepted()

    named = crate_of(world, run)
    assert named[f"#{world.ada}"]["name"] == "ada on laptop"
    assert named["#award-OCE-2012345"]["description"].endswith("Grace Hopper.")
    _erase(world, world.ada)
    target = Path(world.location).parent / "erased"
    assert export(world, run, target) == 0
    assert Crate(target)[f"#{world.ada}"]["name"] == world.ada
    _assert_nowhere(target, b"laptop")


def test_names_can_be_left_out(world: Runs, tmp_path: Path) -> None:
    run = world.accepted()

    assert export(world, run, tmp_path / "crate", "--pseudonyms") == 0

    assert Crate(tmp_path / "crate")[f"#{world.ada}"]["name"] == world.ada
    _assert_nowhere(tmp_path / "crate", b"laptop", b"Hopper")


def _erase(world: Runs, pseudonym: str) -> None:
    people = read_people(world.place)
    del people[pseudonym]
    world.place.store.write(world.place.prefix + KEY, PEOPLE.dump_json(people))


def _assert_nowhere(folder: Path, *texts: bytes) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 20
    assert [path for path in files for text in texts if text in path.read_bytes()] == []


def test_the_award_pays(world: Runs) -> None:
    crate = crate_of(world, world.accepted())

    assert ids(crate["./"]["funding"]) == ["#award-OCE-2012345"]
    award = crate["#award-OCE-2012345"]
    assert (award["@type"], award["identifier"], award["name"]) == ("Grant", "OCE-2012345", "Tides")
    assert "2026-01-01 to 2028-12-31" in award["description"]


def test_each_file_is_the_recorded_one(world: Runs) -> None:
    crate = crate_of(world, world.accepted())

    for name, content in FILES.items():
        if name.startswith("keys/"):
            assert f"files/{name}" not in crate.entities
            continue
        assert (crate.folder / "files" / name).read_bytes() == content
        assert crate[f"files/{name}"]["sha256"] == hash_of(content)


def test_a_file_that_is_not_the_recorded_one_is_left_out_and_that_is_said(
    world: Runs, capsys: pytest.CaptureFixture[str]
) -> None:
    run, store = world.accepted(), open_store(world.location)
    store.write(f"{run}/locks/requirements.txt", b"numpy==9\n")
    store.delete(f"{run}/proof.json")

    crate = crate_of(world, run)

    said = [
        f"Left out: locks/requirements.txt of run {run} was changed after it was recorded.",
        f"Left out: proof.json of run {run} is not there any more.",
    ]
    assert [crate[each]["text"] for each in ids(crate["./"]["comment"])] == said
    assert capsys.readouterr().out.splitlines()[:2] == said
    assert not (crate.folder / "files/proof.json").exists()
    assert "packages-python.cdx.json" not in crate.entities, "it would be of a changed lock file"


def test_a_licence_is_what_was_given(world: Runs, tmp_path: Path) -> None:
    run, url = world.failed(), "https://creativecommons.org/licenses/by/4.0/"

    assert export(world, run, tmp_path / "licensed", "--license", url) == 0

    assert Crate(tmp_path / "licensed")["./"]["license"] == {"@id": url}
    none = crate_of(world, run)
    assert none["./"]["license"] == {"@id": "#no-licence"}
    assert none["#no-licence"]["name"] == "No licence was given"


def test_the_page_needs_nothing_else_and_links_what_is_there(world: Runs) -> None:
    run = world.failed()
    message = '<script>alert("x")</script>'
    failed = runs.step("run_notebook", "failed", message)
    world.write(run, [runs.executing(), failed, runs.ended()], "e-2")

    crate = crate_of(world, run)

    page = (crate.folder / "ro-crate-preview.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;alert" in page
    links = re.findall(r'(?:href|src)="([^"]*)"', page)
    assert "plan.json" in links
    assert [link for link in links if not (crate.folder / link).exists()] == []


def test_a_zip_file_has_the_same_files(world: Runs, tmp_path: Path) -> None:
    run = world.accepted()

    assert export(world, run, tmp_path / "run.zip") == 0

    crate = crate_of(world, run)
    expected = {
        str(path.relative_to(crate.folder)) for path in crate.folder.rglob("*") if path.is_file()
    }
    with zipfile.ZipFile(tmp_path / "run.zip") as archive:
        assert {name for name in archive.namelist() if not name.endswith("/")} == expected
    assert [path.name for path in tmp_path.glob(".crate-*")] == [], "nothing is left beside it"


def refusal(world: Runs, run: str, target: Path, capsys: Any, *options: str) -> str:
    """Return the error in one line; nothing was written."""
    before = sorted(path.name for path in target.parent.iterdir())
    capsys.readouterr()
    assert export(world, run, target, *options) == 1
    assert sorted(path.name for path in target.parent.iterdir()) == before
    return " ".join(capsys.readouterr().err.split())


def test_a_run_that_is_not_recorded_is_refused(
    world: Runs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = world.begin("ocean-old")

    told = refusal(world, old, tmp_path / "crate", capsys)

    assert "Run ocean-old is not recorded" in told
    assert told.endswith("history show ocean-old")


def test_a_changed_record_is_refused(
    world: Runs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = world.failed()
    key = world.place.key(run, 3)
    stored = world.place.store.read(key)
    assert stored
    world.place.store.write(key, stored.content.replace(b"class", b"glass"))

    told = refusal(world, run, tmp_path / "crate", capsys)

    assert f"The record of run {run} is tampered" in told
    assert told.endswith(f"history verify {run}")


def test_a_record_that_was_cut_under_a_checkpoint_is_refused(
    world: Runs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = world.failed()
    last = make_checkpoint(world.location).leaves[-1]
    folder = Path(world.location, "record")
    (folder / run / f"{last.count:08}.json").unlink()
    shutil.rmtree(folder / "_seals" / run)

    told = refusal(world, run, tmp_path / "crate", capsys)

    assert f"The record of run {run} is tampered" in told


def test_a_run_that_did_nothing_is_refused(
    world: Runs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = world.begin("ocean-idle")
    world.write(run, [runs.began(), runs.executing(), runs.ended("WrongAccountError")])

    told = refusal(world, run, tmp_path / "crate", capsys)

    assert "has carried out no step" in told


@pytest.mark.parametrize("name", ["there", "there.zip"])
def test_nothing_is_replaced(
    name: str, world: Runs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / name
    mine = target if target.suffix else target / "mine"
    mine.parent.mkdir(exist_ok=True)
    mine.write_bytes(b"mine")

    told = refusal(world, world.failed(), target, capsys)

    assert "exists already, and a crate replaces nothing." in told
    assert mine.read_bytes() == b"mine"


@pytest.mark.parametrize("licence", ["CC-BY-4.0", "ftp://example.org/x"])
def test_a_licence_that_is_no_address_is_refused(
    licence: str, world: Runs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = refusal(world, world.failed(), tmp_path / "crate", capsys, "--license", licence)

    assert f"A licence is named by its address, and {licence} is none." in told


def test_a_missing_library_is_named_with_what_installs_it(
    world: Runs,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(writing, "LIBRARIES", ("rocrate", "no_such_library"))

    told = refusal(world, world.failed(), tmp_path / "crate", capsys)

    assert "no_such_library, which is not installed" in told
    assert "pip install 'notebake[crate]'" in told


def test_a_crate_is_of_one_run(world: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--store", world.location, "history", "export", "--crate", "x"]) == 1
    assert main(["--store", world.location, "history", "export", "--json", "--pseudonyms"]) == 1
    told = " ".join(capsys.readouterr().err.split())
    assert "A crate is of one run." in told
    assert "--license and --pseudonyms are for a crate." in told


@pytest.mark.parametrize("kind", KINDS)
def test_all_that_is_named_is_described(kind: str, world: Runs) -> None:
    crate = crate_of(world, KINDS[kind](world))

    named = set(re.findall(r'"@id": "([^"]+)"', json.dumps(list(crate.entities.values()))))
    outside = {each for each in named - crate.entities.keys() if not each.startswith("https://")}
    assert outside == set()
    assert "#run" in named
