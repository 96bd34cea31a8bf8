"""The pages of a report: the notebook executed for real, and what a reader finds in them."""

import hashlib
import json
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from flows.cli.main import main
from notebake.reports.grant import pages
from notebake.reports.grant.pages import print_pdf
from notebake.runs.people import PEOPLE, Person
from notebake.runs.run_record import record_place
from tests.award_runs import store_award_runs

NASTY = "<script>alert(1)</script> {{ 7 * 7 }} &amp;"
DAYS = ("--from", "2026-11-01", "--to", "2026-12-31")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A store with runs of an award; one person has a name that is code."""
    location = store_award_runs(tmp_path, monkeypatch)
    place = record_place(location)
    people = {"p-ada": Person(name=NASTY), "p-pi": Person(name="Ada Example")}
    place.store.write(f"{place.prefix}people.json", PEOPLE.dump_json(people))
    monkeypatch.setenv("COLUMNS", "200")
    return location


def tables(page: BeautifulSoup) -> dict[str, list[list[str]]]:
    """Return the tables of a page by the text of their first three headings."""
    found = {}
    for table in page.select("table.gt_table"):
        heads = [cell.get_text(strip=True) for cell in table.select("th")]
        rows = [[cell.get_text(strip=True) for cell in row.select("td")]
                for row in table.select("tbody tr")]  # fmt: skip
        found["/".join(heads[:3])] = rows
    return found


def test_the_pages_show_what_the_annex_has(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "a report"

    code = main(["--store", store, "report", "--award", "OCE-1", *DAYS, "--output", str(folder)])

    printed = capsys.readouterr().out
    assert code == 0
    assert "Award OCE-1, 2026-11-01 to 2026-12-31: 4 runs, metered $" in printed
    annex = (folder / "report.json").read_bytes()
    report = json.loads(annex)
    text = (folder / "report.html").read_text(encoding="utf-8")
    page = BeautifulSoup(text, "html.parser")
    shown = tables(page)
    assert [row[0] for row in shown["Run/Share/Hours"]] == [
        *(run["id"] for run in report["runs"]),
        "in all",
    ]
    assert shown["Run/Share/Hours"][-1][-3:] == [
        report["total"]["estimated"],
        report["total"]["metered"],
        "-",
    ]
    assert shown["Month/Estimated/Metered"][-1][1:] == shown["Run/Share/Hours"][-1][-3:]
    assert shown["Run/When (UTC)/What failed"][0][2:] == [
        *("run_notebook", "cell 3 raised more", "done by the next try, 2026-11-30 13:30"),
    ]
    assert hashlib.sha256(annex).hexdigest() in page.get_text()
    assert "The record of all 6 runs is intact." in page.get_text()
    assert NASTY in page.get_text()
    assert not page.select("script, link, iframe, img, object, input")
    assert not [
        tag for tag in page.find_all(True) if any(name.startswith("on") for name in tag.attrs)
    ]
    assert "import" not in page.get_text(), "the pages have no code"
    assert page.find("svg")


def test_older_tables_that_do_not_escape_text_are_not_taken() -> None:
    wanted = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]

    # Great Tables wrote the text of a cell as HTML up to 0.21.
    assert "great-tables>=1.0" in wanted["optional-dependencies"]["report"]


def test_a_folder_is_named_from_the_current_directory_and_may_have_braces(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    code = main(["--store", store, "report", "--award", "OCE-1", *DAYS, "--output", "q{3} x"])

    assert code == 0
    assert "Report on award OCE-1" in (tmp_path / "q{3} x/report.html").read_text(encoding="utf-8")


@pytest.mark.skipif(not shutil.which("pdftotext"), reason="poppler-utils are not installed")
def test_the_pdf_has_the_text_of_the_pages(tmp_path: Path) -> None:
    page = "<p>One line, and 4.20 dollars</p><img src='https://example.org/x.png'>"

    if not print_pdf(page, tmp_path / "report.pdf"):
        pytest.skip("WeasyPrint cannot be used here")

    command = ["pdftotext", "-layout", str(tmp_path / "report.pdf"), "-"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert text.strip() == "One line, and 4.20 dollars"


def test_a_notebook_that_fails_names_its_error_and_the_annex_is_kept(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook = json.loads(pages.NOTEBOOK.read_text(encoding="utf-8"))
    notebook["cells"][2]["source"] = ["1 / 0"]
    broken = tmp_path / "broken.ipynb"
    broken.write_text(json.dumps(notebook), encoding="utf-8")
    monkeypatch.setattr(pages, "NOTEBOOK", broken)
    folder = tmp_path / "report"

    code = main(["--store", store, "report", "--award", "OCE-1", *DAYS, "--output", str(folder)])

    assert code == 1
    assert "ZeroDivisionError: division by zero" in capsys.readouterr().err
    assert json.loads((folder / "report.json").read_text(encoding="utf-8"))["runs"]


def test_files_of_others_are_not_overwritten_and_an_earlier_report_goes(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "report.pdf").write_text("mine", encoding="utf-8")
    words = ["--store", store, "report", "--award", "OCE-1", *DAYS, "--output"]

    assert main([*words, str(folder)]) == 1
    assert "report.pdf is no part of a report" in capsys.readouterr().err
    assert (folder / "report.pdf").read_text(encoding="utf-8") == "mine"
    assert main([*words, str(folder / "report.pdf")]) == 1
    assert "Tried to write the report into" in capsys.readouterr().err

    for name in ("report.html", "report.pdf"):
        (folder / name).write_text("of an earlier report", encoding="utf-8")
    (folder / "report.json").write_text(
        '{"format": 1, "award": {}, "verification": {}}', encoding="utf-8"
    )
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    pages.make_room(folder)
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
