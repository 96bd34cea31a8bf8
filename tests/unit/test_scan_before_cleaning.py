"""The search before cleaning: text typed by people is reported, files of programs are not."""

from pathlib import Path

import pytest

from notebake.credentials import __main__ as program
from notebake.credentials.report import Report, is_clean
from notebake.credentials.scan import ScanOptions, scan_before_cleaning
from tests.search_engine import Search

TOKEN = "gh" + "p_" + "Qm4tZ7xL0vRk2bNs9wYc5dHf8gJp1aEu3iTo"
PEM = "-----BEGIN OPENSSH " + "PRIVATE KEY-----\n" + "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU" * 3
USERS = """\
root:x:0:0::/root:/bin/bash
bin:x:2:2::/bin:/usr/sbin/nologin
nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin
ubuntu:x:1000:1000::/home/ubuntu:/bin/bash
ada:x:1001:1001::/srv/ada:/bin/bash
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for path, text in {
        "etc/passwd": USERS,
        "home/ubuntu/.bash_history": "ls\ncd work\n",
        "home/ubuntu/.cache/pip/http/a": TOKEN,
        "home/ubuntu/.local/share/jupyter/runtime/jpserver-1.json": "{}",
        "home/ubuntu/.ssh/authorized_keys": "ssh-ed25519 AAAA me\n",
        "root/.ssh/authorized_keys": "ssh-ed25519 AAAA me\n",
        "etc/ssh/ssh_host_ed25519_key": PEM,
        "var/lib/cloud/instances/i-1/user-data.txt": PEM,
        "var/log/cloud-init.log": TOKEN,
    }.items():
        write(tmp_path, path, text)
    return tmp_path


def write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def look(search: Search, root: Path, *mount_points: str) -> Report:
    return scan_before_cleaning(str(root), mount_points, ScanOptions(search.engine, "/home/ubuntu"))


def found(search: Search, root: Path, *mount_points: str) -> list[tuple[str, str]]:
    report = look(search, root, *mount_points)
    return [(each["path"], each["rule"]) for each in report["findings"]]


def test_files_left_by_programs_do_not_stop_cleaning(search: Search, root: Path) -> None:
    report = look(search, root)
    assert is_clean(report)
    assert report["files"] == 5, "a clean machine's homes alone are searched"


@pytest.mark.parametrize(
    "path", ["home/ubuntu/.bash_history", "root/.python_history", "srv/ada/.zsh_history"]
)
def test_a_token_in_a_shell_history_is_reported(search: Search, root: Path, path: str) -> None:
    write(root, path, f"git push https://{TOKEN}@git.ocean.org/a\n")
    assert (f"/{path}", "github-pat") in found(search, root)
    assert all(rule != "history" for _, rule in found(search, root))


def test_a_credential_in_a_cache_is_reported_by_file_name(search: Search, root: Path) -> None:
    write(root, "home/ubuntu/.cache/huggingface/token", "anything")
    assert found(search, root) == [
        ("/home/ubuntu/.cache/huggingface/token", "credential for Hugging Face")
    ]


def test_all_findings_are_reported_together(search: Search, root: Path) -> None:
    write(root, "etc/ocean.conf", TOKEN)
    write(root, "data/notes.txt", TOKEN)
    assert found(search, root, "/data") == []
    write(root, "home/ubuntu/.bash_history", TOKEN)
    assert [path for path, _ in found(search, root, "/data")] == [
        "/data/notes.txt",
        "/etc/ocean.conf",
        "/home/ubuntu/.bash_history",
    ]


def test_the_command_line_behaves_the_same(
    search: Search, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(root, "home/ubuntu/.bash_history", TOKEN)
    words = ["--root", str(root), "--expect-login", "/home/ubuntu", "--before-cleaning"]
    assert program.main([*words, "--engine", str(search.engine), "--processes", "1"]) == 1
    printed = capsys.readouterr().out
    assert "/home/ubuntu/.bash_history (line 1): github-pat" in printed
    assert TOKEN not in printed
