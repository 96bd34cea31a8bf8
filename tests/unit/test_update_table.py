"""A check for updates as a terminal and a pipe show it, and in one sentence."""

import datetime

import pytest
from rich.text import Text

from flows.terminal.cause_lines import MOST_LINES
from flows.terminal.update_layout import heading
from flows.terminal.update_table import print_check
from notebake.images.updates.advice.advice import Advice, Vulnerability, not_asked
from notebake.images.updates.current import GONE
from notebake.images.updates.finding import Cause, CauseFinding, Change, State
from notebake.images.updates.recipe import NO_NEW_IMAGE
from notebake.images.updates.sentence import describe_check
from notebake.images.updates.update_check import CAUSES, UpdateCheck

NOON = datetime.datetime(2026, 11, 29, 12, tzinfo=datetime.UTC)
XARRAY = Change(name="xarray", old="2026.9", new="2026.11")


def finding(cause: Cause, *changes: Change, reason: str = "") -> CauseFinding:
    state: State = "changed" if changes else "not checked" if reason else "unchanged"
    return CauseFinding(cause=cause, state=state, how="asked", changes=changes, reason=reason)


def check(*findings: CauseFinding, state: str = "available", revoked: str = "") -> UpdateCheck:
    known = {each.cause: each for each in findings}
    return UpdateCheck(
        recipe="ocean",
        region="us-west-2",
        checked=NOON,
        image_id="ami-1",
        image_state=state,
        revoked=revoked,
        run_id="ocean-1",
        accepted=NOON,
        findings=tuple(known.get(cause, finding(cause)) for cause in CAUSES),
    )


def held_back(cause: Cause, *details: str) -> CauseFinding:
    changes = tuple(XARRAY.model_copy(update={"detail": detail}) for detail in details)
    return finding(cause).model_copy(update={"held_back": changes})


def advised(*found: Vulnerability, reason: str = "") -> Advice:
    return Advice(
        ecosystem="python",
        state="asked in part" if reason else "asked",
        source="PyPI, by pip-audit 2.10.1",
        data_of=NOON,
        packages=154,
        reason=reason,
        findings=found,
    )


def vulnerabilities(count: int, package: str = "jinja2") -> list[Vulnerability]:
    return [
        Vulnerability(
            package=package,
            version="3.1.2",
            ids=(f"GHSA-{number}", f"CVE-2026-{number}"),
            fixed=("3.1.3",),
            urgency="high",
        )
        for number in range(count)
    ]


def packages(count: int) -> list[Change]:
    return [Change(name=f"p{number}", old="1", new="2") for number in range(count)]


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (check(), "nothing changed since ami-1 (9 causes asked)"),
        (
            check(
                finding("security", *packages(4)),
                finding("repository", Change(name="main", old="a", new="b")),
                finding("direct", XARRAY),
            ),
            "3 causes changed: security (4 packages), direct (xarray 2026.9 -> 2026.11),"
            " repository",
        ),
        (
            check(finding("data", reason="no answer")),
            "nothing changed since ami-1 (8 causes asked); not checked: data",
        ),
        (
            check(finding("direct", Change(name="dask", old=None, new="1"), reason="one index")),
            "1 cause changed: direct (dask ∅ -> 1); not checked: direct",
        ),
        (
            check(held_back("direct", "3 days old (2026-11-26)")),
            "nothing changed since ami-1 (9 causes asked); held back: xarray 2026.11, 3 days old"
            " (2026-11-26)",
        ),
        (
            check(
                held_back("direct", *map(str, range(3))),
                held_back("transitive", "3", "0"),
                finding("data", reason="no answer"),
            ),
            "nothing changed since ami-1 (8 causes asked); held back: 4 packages;"
            " not checked: data",
        ),
        (
            check(state=GONE),
            "nothing changed since ami-1 (9 causes asked); ami-1 is not there any more",
        ),
        (
            check(state=GONE, revoked="a key was in it"),
            "nothing changed since ami-1 (9 causes asked); ami-1 was revoked: a key was in it;"
            " ami-1 is not there any more",
        ),
        (
            UpdateCheck(recipe="ocean", region="us-west-2", checked=NOON),
            "nothing to compare with: no image of ocean was accepted",
        ),
    ],
)
def test_the_result_in_one_sentence(found: UpdateCheck, sentence: str) -> None:
    assert describe_check(found) == sentence


def test_a_pipe_gets_whole_lines_with_both_values(capsys: pytest.CaptureFixture[str]) -> None:
    gone = Change(name="dask", old="2026.1", new=None, detail="no longer needed")
    commit = Change(name="branch main", old="a" * 40, new="b" * 40)
    label = Change(name="tags.Project", old="a", new="b", detail=NO_NEW_IMAGE)
    odd = "no answer\x1b[31m from " + "x" * 200

    print_check(
        check(
            finding("direct", XARRAY, gone),
            finding("repository", commit),
            finding("data", reason=odd),
            CauseFinding(cause="recipe", state="unchanged", changes=(label,)),
        ),
        "ocean.yaml",
    )

    lines = capsys.readouterr().out.splitlines()
    assert "    xarray: 2026.9 → 2026.11" in lines
    assert "    dask:   2026.1 → ∅  no longer needed" in lines
    assert f"    branch main: {'a' * 12} → {'b' * 12}" in lines
    assert f"data        not checked  no answer from {'x' * 200}" in lines
    assert "recipe      unchanged" in [line.rstrip() for line in lines]
    assert f"    tags.Project: a → b  {NO_NEW_IMAGE}" in lines


def test_what_is_held_back_stands_below_its_cause(capsys: pytest.CaptureFixture[str]) -> None:
    found = check(held_back("direct", "3 days old (2026-11-26)"))

    print_check(found, "ocean.yaml", since="last checked 63 d ago")

    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    place = lines.index("    held back: xarray 2026.11, 3 days old (2026-11-26)")
    assert lines[place - 1].startswith("direct ")
    assert "by run ocean-1; last checked 63 d ago" in lines


@pytest.mark.parametrize(
    "counts", [(100,), (20, 20), (9, 9, 9, 9), (500, 1, 1, 40), (3, 3, 3), (18,), (19,), (27,)]
)
def test_at_most_so_many_lines_are_printed(
    counts: tuple[int, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    found = check(*(finding(cause, *packages(n)) for cause, n in zip(CAUSES, counts, strict=False)))

    print_check(found, "ocean.yaml", store="s3://b")
    short = capsys.readouterr().out.splitlines()
    print_check(found, "ocean.yaml", store="s3://b", shows_all=True)
    whole = capsys.readouterr().out.splitlines()

    assert len(short) <= MOST_LINES
    assert len([line for line in whole if " → " in line]) == sum(counts)
    if len(whole) > MOST_LINES:
        assert short[-1] == "All of it: notebake --store s3://b check ocean.yaml --all"
        assert any(line.strip().startswith("and ") for line in short)
    else:
        assert short == whole


def test_nothing_to_compare_with_names_the_next_command(capsys: pytest.CaptureFixture[str]) -> None:
    print_check(UpdateCheck(recipe="ocean", region="us-west-2", checked=NOON), "o.yaml")

    assert capsys.readouterr().out.splitlines() == [
        "Nothing to compare with: no image of ocean was accepted in us-west-2.",
        "To make one: notebake build o.yaml",
    ]


def test_a_schedule_makes_the_first_image_of_a_recipe_with_a_policy(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = UpdateCheck(recipe="ocean", region="us-west-2", checked=NOON)

    print_check(found, "o.yaml", rebakes=True)

    assert capsys.readouterr().out.splitlines()[1:] == [
        "To make one: notebake build o.yaml",
        "A schedule of the flow “Update an image” makes it, too, once it is on.",
    ]


def test_advice_stands_apart_with_its_date(capsys: pytest.CaptureFixture[str]) -> None:
    missing = not_asked("apt", "debsecan is not installed.")
    found = check().model_copy(update={"advice": (advised(*vulnerabilities(5)), missing)})

    print_check(found, "ocean.yaml")
    short = capsys.readouterr().out.splitlines()
    print_check(found, "ocean.yaml", shows_all=True)
    whole = capsys.readouterr().out.splitlines()

    start = short.index("Known vulnerabilities (advice: they change no cause)")
    assert short[start - 1] == ""
    assert short[start + 1 :] == [
        "python      5 known      in 1 of 154 packages, by data of 2026-11-29 12:00 UTC: PyPI, by"
        " pip-audit 2.10.1",
        "    jinja2 3.1.2: CVE-2026-0 (high) → 3.1.3, CVE-2026-1 (high) → 3.1.3, CVE-2026-2 (high)"
        " → 3.1.3 and 2 more",
        "apt         not asked    debsecan is not installed.",
    ]
    assert whole[start + 2].endswith("CVE-2026-4 (high) → 3.1.3")
    assert short[2] == "Nothing changed since ami-1 (9 causes asked)."


def test_none_known_is_said_with_what_was_not_asked(capsys: pytest.CaptureFixture[str]) -> None:
    found = check().model_copy(update={"advice": (advised(reason="PyPI has no numpy."),)})

    print_check(found, "ocean.yaml")

    *_, state, reason = capsys.readouterr().out.splitlines()
    assert state.startswith("python      none known   in 154 packages, by data of 2026-11-29 12:00")
    assert reason.strip() == "not all of it: PyPI has no numpy."


@pytest.mark.parametrize("count", [1, 12, 400])
def test_advice_keeps_to_the_lines_that_there_are(
    count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    many = [each for number in range(count) for each in vulnerabilities(4, f"p{number}")]
    causes = [finding(cause, *packages(count)) for cause in CAUSES]
    both = (advised(*many), advised(*many).model_copy(update={"ecosystem": "apt"}))

    print_check(check(*causes).model_copy(update={"advice": both}), "ocean.yaml")

    assert len(capsys.readouterr().out.splitlines()) <= MOST_LINES


def test_only_the_cause_is_bold() -> None:
    state = Text("not checked", "magenta")

    (line,) = heading(Text("data", "bold"), state, None, "no answer", 80)

    styles = {line.plain[span.start : span.end].strip(): span.style for span in line.spans}
    assert line.style == ""
    assert styles == {"data": "bold", "not checked": "magenta"}


def test_a_reason_stands_once(capsys: pytest.CaptureFixture[str]) -> None:
    same = [finding(cause, reason="no index") for cause in ("direct", "transitive")]

    print_check(check(*same, finding("data", reason="no index")), "ocean.yaml")

    lines = capsys.readouterr().out.splitlines()
    assert "direct      not checked  no index" in lines
    assert "transitive  not checked  for the same reason" in lines
    assert "data        not checked  no index" in lines


def test_nothing_to_compare_with_names_the_store_that_was_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = UpdateCheck(recipe="ocean", region="us-west-2", checked=NOON)

    print_check(found, "o.yaml", store="s3://runz", location="s3://runz")

    assert capsys.readouterr().out.splitlines()[:2] == [
        "Nothing to compare with: no image of ocean was accepted in us-west-2.",
        "The run store that was asked: s3://runz",
    ]
