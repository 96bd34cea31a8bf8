"""A difference of two images as a terminal, a page and a script get it."""

import datetime
import html
import re
from pathlib import Path

import pytest

from flows.cli.main import main
from flows.terminal.cause_lines import MOST_LINES, values_of
from flows.terminal.image_difference_html import html_of_difference
from flows.terminal.image_difference_lines import print_image_difference
from notebake.images.difference.image_difference import (
    CAUSES,
    ComparedImage,
    ImageDifference,
    NumbersFinding,
    SizeChange,
)
from notebake.images.updates.finding import Cause, CauseFinding, Change
from tests import recorded_runs as runs
from tests.json_documents import document
from tests.update_images import place_of, store_image

NOON = datetime.datetime(2026, 11, 29, 12, tzinfo=datetime.UTC)
NAMES = ("ocean-1", "ocean-2")
XARRAY = Change(name="xarray", old="2026.9", new="2026.11")
GIB = 1024**3


def difference(
    found: dict[Cause, list[Change]],
    *,
    numbers: tuple[Change, ...] = (),
    missing: str = "",
) -> ImageDifference:
    findings = tuple(
        CauseFinding(
            cause=cause,
            state="changed" if cause in found else "unchanged",
            changes=tuple(found.get(cause, ())),
        )
        for cause in CAUSES
    )
    if missing:
        last = CauseFinding(cause="tools", state="not kept", reason=missing)
        findings = (*findings[:-1], last)
    before, after = (
        ComparedImage(run_id=name, image_id=f"ami-{number}", accepted=NOON)
        for number, name in enumerate(NAMES, 1)
    )
    return ImageDifference(
        recipe="ocean",
        region="us-west-2",
        before=before,
        after=after,
        findings=findings,
        numbers=NumbersFinding(
            state="changed" if numbers else "unchanged", compared=120, changes=numbers
        ),
        sizes=(SizeChange(name="disks", old=8 * GIB, new=10 * GIB),),
    )


def packages(count: int, name: str = "p") -> list[Change]:
    return [Change(name=f"{name}{number}", old="1", new="2") for number in range(count)]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (XARRAY, "2026.9 → 2026.11"),
        (Change(name="a", old=None, new="1"), "∅ → 1"),
        (Change(name="a", old="1", new=None), "1 → ∅"),
        (Change(name="a", old="1", new="2", added_bytes=13 * 1024), "1 → 2, +13.0 KiB"),
        (Change(name="a", old="1", new="2", added_bytes=-700), "1 → 2, -700 B"),
        (Change(name="a", old="1", new="2", added_bytes=3 * GIB // 2), "1 → 2, +1.5 GiB"),
        (Change(name="a", old="1", new="2", added_bytes=0), "1 → 2"),
        (Change(name="a", old="c" * 40, new="d" * 40), f"{'c' * 12} → {'d' * 12}"),
        (Change(name="a", old="\x1b[31mred", new="2"), "red → 2"),
    ],
)
def test_values_are_shown_as_nix_shows_them(change: Change, line: str) -> None:
    assert values_of(change) == line


def test_text_has_causes_numbers_sizes_and_what_is_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    security = Change(name="openssl", old="1", new="2", detail="noble-security", added_bytes=2048)
    number = Change(name="Cell 3", old="0.5", new="0.25")
    shown: dict[Cause, list[Change]] = {"security": [security], "direct": [XARRAY]}

    print_image_difference(difference(shown, numbers=(number,), missing="No lock."), NAMES)

    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert re.fullmatch(r"from ami-1, accepted .*, by run ocean-1", lines[0])
    assert lines[2:] == [
        "2 changes: direct (xarray 2026.9 -> 2026.11), security (openssl 1 -> 2); 1 number of the"
        " notebook differs; not kept: tools of ocean in us-west-2.",
        "",
        "direct      changed",
        "    xarray: 2026.9 → 2026.11",
        "security    changed",
        "    openssl: 1 → 2, +2.0 KiB  noble-security",
        "tools       not kept     No lock.",
        "numbers     changed      of 120 that the notebook printed",
        "    Cell 3: 0.5 → 0.25",
        "the same    transitive, system, base image, repository, data, recipe",
        "size        disks: 8.0 GiB → 10.0 GiB, +2.0 GiB",
    ]


@pytest.mark.parametrize("counts", [(300,), (3, 7, 90, 200), (33,) * 9, (1, 299), (5, 5, 5)])
def test_three_hundred_changes_are_forty_lines_and_one_link(
    counts: tuple[int, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    found = difference(
        {cause: packages(count, cause) for cause, count in zip(CAUSES, counts, strict=False)}
    )

    print_image_difference(found, NAMES)
    short = capsys.readouterr().out.splitlines()
    print_image_difference(found, NAMES, shows_all=True)
    whole = capsys.readouterr().out.splitlines()
    page = html_of_difference(found)
    above, _, behind = page.partition("<details>")

    assert len(short) <= MOST_LINES
    assert len([line for line in whole if line.endswith("1 → 2")]) == sum(counts)
    first = len(re.findall("<tr>|<h2>|<h3>|<p>", above))
    assert first <= MOST_LINES
    if len(whole) > MOST_LINES:
        assert short[-1] == "All of it: notebake diff ocean-1 ocean-2 --all"
        assert page.count("<summary>") == 1
        assert f"<summary>All {sum(counts)} changes</summary>" in behind
        assert behind.count("1 → 2") == sum(counts)
    else:
        assert short == whole
        assert not behind


def test_the_page_runs_nothing_and_shows_text_as_it_is() -> None:
    odd = Change(name="<script>x</script>", old="&", new="'\"")

    page = html_of_difference(difference({"direct": [odd]}))

    assert "<script" not in page
    assert html.escape(odd.name) in page
    assert "default-src 'none'" in page


@pytest.fixture
def stored(tmp_path: Path) -> tuple[str, list[str]]:
    """A run store with two images of one recipe, and their runs."""
    store = place_of(tmp_path)
    first = store_image(store, runs.RECIPE)
    return store, [first, store_image(store, runs.RECIPE, image_id="ami-2", base="ami-0other")]


def test_a_script_gets_the_same_structure(
    stored: tuple[str, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    store, names = stored

    found = document(["--store", store, "diff", *names], capsys)

    assert found["before"]["run_id"] == names[0]
    assert found["after"]["image_id"] == "ami-2"
    assert [finding["cause"] for finding in found["findings"]] == [*CAUSES]
    (base,) = [each for each in found["findings"] if each["cause"] == "base image"]
    assert base["changes"][0]["new"] == "ami-0other"


def test_a_page_is_written_in_place_of_text(
    stored: tuple[str, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, names = stored
    page = tmp_path / "diff.html"

    assert main(["--store", store, "diff", *names, "--html", str(page)]) == 0
    assert capsys.readouterr().out == ""
    assert "ami-0other" in page.read_text()

    assert main(["--store", store, "diff", *names, "--html", str(tmp_path)]) == 1
    assert "could not be written: Is a directory" in " ".join(capsys.readouterr().err.split())
