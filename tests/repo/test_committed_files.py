"""What no committed file may hold."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.limits import HANG_SECONDS

ROOT = Path(__file__).parents[2]
LARGEST = 1_000_000
# Put together here, so that this file does not hold what it looks for.
MACHINE_PATH = re.compile(rb"(?<![\w.~/])/(?:" + b"|".join([b"root", b"work", b"Users"]) + rb")/\w")
REGISTRY = re.compile(rb"/api/(?:npm|pypi)/|" + b"artifact" + b"ory")
LONE_TODO = re.compile(rb"\b(?:TO" + rb"DO|FIX" + rb"ME|XX" + rb"X)\b(?! ?\(?#\d)")
PRIVATE_KEY = re.compile(
    rb"-----BEGIN (?:OPENSSH |RSA |EC )?PRIVATE KEY-----\n[A-Za-z0-9+/=\n]{60}"
)


def committed_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False, timeout=HANG_SECONDS
    )
    if listed.returncode != 0:
        pytest.skip("not a git repository")
    paths = [ROOT / name.decode() for name in listed.stdout.split(b"\0") if name]
    return [path for path in paths if path.is_file()]


def lines_with(pattern: re.Pattern[bytes]) -> list[str]:
    found = []
    for path in committed_files():
        content = path.read_bytes()
        if pattern is LONE_TODO and b"\0" in content:
            continue  # a compressed picture may hold any three letters
        for match in pattern.finditer(content):
            line = content.count(b"\n", 0, match.start()) + 1
            found.append(f"{path.relative_to(ROOT)}:{line}: {match[0][:60]!r}")
    return found


def test_committed_files_are_found() -> None:
    assert len(committed_files()) > 100


@pytest.mark.parametrize(
    "pattern",
    [MACHINE_PATH, REGISTRY, LONE_TODO, PRIVATE_KEY],
    ids=["a path of a developer's machine", "a registry's host", "a lone to-do", "a private key"],
)
def test_no_committed_file_holds(pattern: re.Pattern[bytes]) -> None:
    assert lines_with(pattern) == []


def test_no_committed_file_is_large() -> None:
    large = [str(path) for path in committed_files() if path.stat().st_size > LARGEST]

    assert large == []


def test_our_files_end_with_a_newline_and_have_no_trailing_blanks() -> None:
    kinds = {".py", ".md", ".yaml", ".toml", ".txt"}
    bad = [
        str(path.relative_to(ROOT))
        for path in committed_files()
        if path.suffix in kinds
        and (content := path.read_bytes())
        and (not content.endswith(b"\n") or re.search(rb"[ \t]\n", content))
    ]

    assert bad == []
