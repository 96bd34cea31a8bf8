"""The scan of a whole machine: formats, sizes, mounts, packages, errors and the report."""

import base64
import hashlib
import json
import os
import random
import string
import subprocess
import sys
import threading
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from notebake.credentials.bounded_reader import BLOCK_BYTES
from notebake.credentials.report import (
    LONGEST_TEXT_BYTES,
    Finding,
    Report,
    format_findings,
    is_clean,
    parse_report,
)
from notebake.credentials.scan import MOST_FINDINGS_PER_FILE
from notebake.credentials.walk import ENTRIES_PER_BATCH
from notebake.credentials.worker_processes import run_in_workers
from notebake.machines.credential_search import search_program
from tests.search_engine import Search

LETTERS = random.Random(2)  # noqa: S311 - these secrets guard nothing
KEY_ID = "AKIA" + "".join(LETTERS.choices(string.ascii_uppercase + "234567", k=16))
GIT_TOKEN = "gh" + "p_" + "".join(LETTERS.choices(string.ascii_letters + string.digits, k=36))
LINE = f"key = {KEY_ID}\n".encode()


def write(root: Path, path: str, content: bytes = LINE) -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def write_package(root: Path, name: str, content: bytes) -> Path:
    """Install a Python package as pip does."""
    site = "opt/python/lib/python3.12/site-packages"
    file = write(root, f"{site}/{name}/keys.py", content)
    digest = base64.urlsafe_b64encode(sha256(content)).rstrip(b"=").decode()
    record = f"{name}/keys.py,sha256={digest},{len(content)}\n{name}-1.dist-info/RECORD,,\n"
    write(root, f"{site}/{name}-1.dist-info/RECORD", record.encode())
    return file


def notebook(**cell: object) -> bytes:
    first = {"cell_type": "markdown", "source": ["# Title"], "metadata": {}}
    return json.dumps({"cells": [first, cell], "metadata": {}, "nbformat": 4}).encode()


def test_a_notebook_is_searched_cell_by_cell(search: Search, tmp_path: Path) -> None:
    write(tmp_path, "a.ipynb", notebook(source=["x = 1\n", f"k = '{KEY_ID}'"], outputs=[]))
    coloured = f"\x1b[0;31mKeyError\x1b[0m: {KEY_ID[:6]}\x1b[1m{KEY_ID[6:]}"
    write(tmp_path, "b.ipynb", notebook(source=[], outputs=[{"traceback": [coloured]}]))
    write(tmp_path, "c.ipynb", notebook(source=[], metadata={"papermill": {"key": KEY_ID}}))
    write(tmp_path, "d.ipynb", b"{not json\n" + LINE)
    name = "aws_secret_" + "access_key"
    secret = "".join(LETTERS.choices(string.ascii_letters + string.digits, k=40))
    write(tmp_path, "e.ipynb", notebook(source=[], outputs=[{"data": {"json": {name: secret}}}]))
    assert search.places(tmp_path) == [
        ("/a.ipynb", "cell 2, source"),
        ("/b.ipynb", "cell 2, outputs"),
        ("/c.ipynb", "cell 2, metadata"),
        ("/d.ipynb", "invalid notebook"),
        ("/e.ipynb", "cell 2, outputs"),
    ]


def test_strings_in_binary_files_are_found(search: Search, tmp_path: Path) -> None:
    write(tmp_path, "program", b"\x7fELF\0\0\0\0" + GIT_TOKEN.encode() + b"\0")
    write(tmp_path, "ocean.nc", b"\x89HDF\r\n\x1a\n\0\0" + LINE)
    write(tmp_path, "history.db", b"SQLite format 3\0" + b"https://a:" + b"Tr0ub4dor@b.ocean.org")
    assert search.places(tmp_path) == [
        ("/history.db", "line 1"),
        ("/ocean.nc", "offset 16"),
        ("/program", "offset 8"),
    ]


@pytest.mark.parametrize("shift", [-len(LINE), -10, -6, -1, 0, 1])
def test_a_credential_across_two_chunks_is_found_once(
    search: Search, tmp_path: Path, shift: int
) -> None:
    write(
        tmp_path, "large.log", b"x" * (BLOCK_BYTES + shift - 1) + b"\n" + LINE + b"y" * BLOCK_BYTES
    )
    assert search.places(tmp_path) == [("/large.log", "line 2")]


def test_a_sparse_file_is_searched_to_its_end(search: Search, tmp_path: Path) -> None:
    file = tmp_path / "huge"
    with file.open("wb") as stream:
        stream.truncate(3 << 30)
        for offset in ((1 << 30) - 10, (2 << 30) + 5):
            stream.seek(offset)
            stream.write(LINE)
    assert search.places(tmp_path) == [
        ("/huge", f"offset {(1 << 30) - 4}"),
        ("/huge", f"offset {(2 << 30) + 11}"),
    ]


def test_an_unchanged_published_file_is_skipped_and_a_changed_one_is_searched(
    search: Search, tmp_path: Path
) -> None:
    write_package(tmp_path, "same", LINE)
    write_package(tmp_path, "changed", LINE).write_bytes(LINE * 2)
    assert {path.split("/")[-2] for path, _ in search.places(tmp_path)} == {"changed"}


def test_bytecode_of_a_published_file_is_skipped(search: Search, tmp_path: Path) -> None:
    package = write_package(tmp_path, "same", LINE).parent
    write(package, "__pycache__/keys.cpython-312.pyc", b"\0\0\0\0" + LINE)
    write(package, "__pycache__/other.cpython-312.pyc", b"\0\0\0\0" + LINE)
    assert [path.split("/")[-1] for path, _ in search.places(tmp_path)] == ["other.cpython-312.pyc"]


def test_a_package_that_came_from_no_index_is_searched(search: Search, tmp_path: Path) -> None:
    site = write_package(tmp_path, "mine", LINE).parent.parent
    write(site, "mine-1.dist-info/direct_url.json", b'{"url": "file:///home/ubuntu/mine"}')
    assert len(search.places(tmp_path)) == 1


def test_files_of_the_distribution_are_skipped_by_checksum(search: Search, tmp_path: Path) -> None:
    (tmp_path / "usr/lib").mkdir(parents=True)
    (tmp_path / "lib").symlink_to("usr/lib")
    digest = hashlib.md5(LINE, usedforsecurity=False).hexdigest()
    for name in ("same", "changed"):
        write(tmp_path, f"usr/lib/{name}")
        write(tmp_path, f"var/lib/dpkg/info/{name}.md5sums", f"{digest}  lib/{name}\n".encode())
    write(tmp_path, "usr/lib/changed", LINE * 2)
    write(tmp_path, "etc/example.conf")
    status = f"Package: x\nConffiles:\n /etc/example.conf {digest}\n"
    write(tmp_path, "var/lib/dpkg/status", status.encode())
    assert {path for path, _ in search.places(tmp_path)} == {"/usr/lib/changed"}


@pytest.mark.parametrize(("url", "found"), [("https://conda.org/a.conda", 0), ("file:///a", 1)])
def test_conda_packages_from_a_channel_are_skipped(
    search: Search, tmp_path: Path, url: str, found: int
) -> None:
    write(tmp_path, "opt/conda/lib/keys.pem")
    entry = {"_path": "lib/keys.pem", "sha256": sha256(b"").hex()}
    entry["sha256_in_prefix"] = sha256(LINE).hex()
    meta = {"url": url, "paths_data": {"paths": [entry]}}
    write(tmp_path, "opt/conda/conda-meta/keys-1.json", json.dumps(meta).encode())
    assert len(search.places(tmp_path)) == found


def test_links_are_not_followed_and_pipes_do_not_block(search: Search, tmp_path: Path) -> None:
    outside = write(tmp_path, "outside/secret")
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(outside)
    (root / "folder").symlink_to(outside.parent)
    os.mkfifo(root / "pipe")
    write(root, "plain", b"nothing here")
    report = search.report(root)
    assert report["files"] == 1
    assert is_clean(report)


def test_only_the_expected_login_key_may_stay(search: Search, tmp_path: Path) -> None:
    key = b"ssh-ed25519 AAAA you@here\n"
    write(tmp_path, "etc/ssh/ssh_host_ed25519_key", b"x")
    write(tmp_path, "home/ubuntu/.ssh/authorized_keys", key)
    assert is_clean(search.report(tmp_path, login="/home/ubuntu"))
    write(tmp_path, "home/ubuntu/.ssh/authorized_keys", key + LINE)
    write(tmp_path, "home/bob/.ssh/authorized_keys", key)
    found = search.report(tmp_path, login="/home/ubuntu")["findings"]
    assert [(each["rule"], each["path"]) for each in found] == [
        ("authorized key", "/home/bob/.ssh/authorized_keys"),
        ("aws-access-key-id", "/home/ubuntu/.ssh/authorized_keys"),
    ]


def test_unreadable_files_make_the_machine_unclean(
    search: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "good", b"nothing")
    write(tmp_path, "bad", b"nothing")
    (tmp_path / "closed").mkdir()
    denied = PermissionError(13, "Permission denied")
    opened, listed = os.open, os.scandir
    refused: list[str | Path] = []

    def open_all_but_one(path: str | Path, flags: int, mode: int = 0o777) -> int:
        if str(path).endswith("/bad"):
            refused.append(path)
            raise denied
        return opened(path, flags, mode)

    def list_all_but_one(path: str) -> AbstractContextManager[Iterator[os.DirEntry[str]]]:
        if str(path).endswith("/closed"):
            refused.append(path)
            raise denied
        return listed(path)

    monkeypatch.setattr(os, "open", open_all_but_one)
    monkeypatch.setattr(os, "scandir", list_all_but_one)
    report = search.report(tmp_path)
    assert len(refused) == 2
    assert sorted(each["path"] for each in report["unreadable"]) == ["/bad", "/closed"]
    assert not is_clean(report)
    assert "/bad: could not be read: Permission denied" in format_findings(report)


def test_a_missing_volume_makes_the_machine_unclean(search: Search, tmp_path: Path) -> None:
    assert not is_clean(search.report(tmp_path, "/data"))


def test_a_volume_is_searched_once(search: Search, tmp_path: Path) -> None:
    write(tmp_path, "data/secret")
    assert [each["path"] for each in search.report(tmp_path, "/data")["findings"]] == [
        "/data/secret"
    ]


def test_the_report_never_holds_any_part_of_a_secret(search: Search, tmp_path: Path) -> None:
    write(tmp_path, "a", LINE + GIT_TOKEN.encode())
    write(tmp_path, "b.ipynb", notebook(source=[f"{KEY_ID}\n", GIT_TOKEN], outputs=[]))
    report = search.report(tmp_path)
    printed = json.dumps(report) + format_findings(report)
    assert len(report["findings"]) == 4
    assert not any(
        secret[start : start + 6] in printed
        for secret in (KEY_ID, GIT_TOKEN)
        for start in range(4, len(secret) - 5)
    )


def test_findings_text_names_file_place_and_rule(search: Search, tmp_path: Path) -> None:
    write(tmp_path, "home/a")
    (tmp_path / "home" / os.fsdecode(b"\xff")).write_bytes(LINE)
    lines = format_findings(search.report(tmp_path)).splitlines()
    assert lines[0] == "/home/a (line 1): aws-access-key-id"
    assert lines[1].endswith("(line 1): aws-access-key-id")


def test_the_program_runs_alone_in_several_processes(search: Search, tmp_path: Path) -> None:
    for number in range(40):
        write(tmp_path, f"noise/{number}", zlib.compress(os.urandom(1 << 19)))
    write(tmp_path, "secret")
    program = tmp_path.parent / "credentials.pyz"
    program.write_bytes(base64.b64decode(search_program()))
    command: list[str | Path] = [
        sys.executable,
        "-I",
        program,
        "--json",
        "--root",
        tmp_path,
        "--processes",
        "2",
    ]
    command += ["--engine", search.engine]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
    assert (done.returncode, done.stderr) == (1, "")
    report = parse_report(f"a warning\n{done.stdout}")
    assert [each["path"] for each in report["findings"]] == ["/secret"]
    assert report["files"] == 41
    (tmp_path / "secret").unlink()
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_every_block_of_a_large_file_reports_its_findings(search: Search, tmp_path: Path) -> None:
    lines = LINE + b"x" * BLOCK_BYTES + b"\n"
    write(tmp_path, "large.log", lines * (MOST_FINDINGS_PER_FILE + 3))
    line_numbers = [int(place.removeprefix("line ")) for _, place in search.places(tmp_path)]
    assert sorted(line_numbers) == list(range(1, 2 * MOST_FINDINGS_PER_FILE, 2))


def test_a_large_changed_file_is_searched_to_its_end(search: Search, tmp_path: Path) -> None:
    file = write_package(tmp_path, "large", b"x" * 5 * BLOCK_BYTES)
    assert is_clean(search.report(tmp_path))
    with file.open("ab") as stream:
        stream.write(b"\n" + LINE)
    assert [place for _, place in search.places(tmp_path)] == ["line 2"]


def test_the_first_path_of_a_hard_link_is_reported_by_any_worker(
    search: Search, tmp_path: Path
) -> None:
    for number in range(3 * ENTRIES_PER_BATCH):
        (tmp_path / f"{number % 40}/a/b").mkdir(parents=True, exist_ok=True)
        (tmp_path / f"{number % 40}/a/b/{number}").symlink_to("nowhere")
    for number in range(40):
        (tmp_path / f"{number}/a/b/first").write_bytes(LINE)
        (tmp_path / f"{number}/second").hardlink_to(tmp_path / f"{number}/a/b/first")
    alone, shared = search.report(tmp_path), search.report(tmp_path, processes=2)
    assert {**shared, "seconds": 0} == {**alone, "seconds": 0}
    assert [Path(each["path"]).name for each in shared["findings"]] == ["second"] * 40


@pytest.mark.parametrize(
    ("fault", "expected"), [(os._exit, "process of the scan died"), (str.upper, "TypeError")]
)
def test_a_process_that_dies_or_fails_ends_the_search(
    fault: Callable[[int], object], expected: str
) -> None:
    children = Path(f"/proc/self/task/{threading.get_native_id()}/children")
    before = children.read_text()
    with pytest.raises(ChildProcessError, match=expected):
        list(run_in_workers(fault, deque([9]), processes=2))
    assert children.read_text() == before, "none of the processes is left"


@pytest.mark.parametrize("printed", ["", "null", "{}", '{"findings": [], "complete": false}'])
def test_an_empty_or_incomplete_report_is_refused(printed: str) -> None:
    with pytest.raises(ValueError, match=r"not the report|Expecting"):
        parse_report(printed)


def test_the_printed_findings_are_limited_in_length() -> None:
    finding: Finding = {"rule": "jwt", "path": "/a" * 40, "place": "line 1"}
    report: Report = {
        "findings": [finding] * 5000, "unreadable": [], "allowed": [], "files": 1, "bytes": 1,
        "seconds": 1, "complete": True,
    }  # fmt: skip
    text = format_findings(report)
    assert len(text.encode()) < LONGEST_TEXT_BYTES + 100
    shown = text.count("\n")
    assert text.endswith(f"… and {5000 - shown} more.")
