"""Searches inside files: nested archives, git history, and their limits."""

import gzip
import io
import lzma
import random
import string
import subprocess
import tarfile
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from notebake.credentials import archives, bounded_reader, git_history
from notebake.credentials.git_history import NewLines, find_repositories
from notebake.credentials.report import NOT_SEARCHED_RULE, AllowEntry, is_clean
from tests.search_engine import Search

LETTERS = random.Random(3)  # noqa: S311 - these secrets guard nothing
TOKEN = "gh" + "p_" + "".join(LETTERS.choices(string.ascii_letters + string.digits, k=36))
OTHER = "gh" + "o_" + "".join(LETTERS.choices(string.ascii_letters + string.digits, k=36))


def zipped(**files: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return held.getvalue()


def tarred(name: str, content: bytes) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return held.getvalue()


def git(folder: Path, *words: str) -> str:
    own = ["-c", "user.name=a", "-c", "user.email=a@ocean.org", "-c", "protocol.file.allow=always"]
    done = subprocess.run(
        ["git", *own, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_nested_archives_are_searched(search: Search, tmp_path: Path) -> None:
    text = f"a\nb\ntoken {TOKEN}\n".encode()
    (tmp_path / "a.zip").write_bytes(zipped(**{"in/x.txt": text, "y.txt": b"nothing"}))
    (tmp_path / "b.tgz").write_bytes(gzip.compress(tarred("x.txt", text)))
    (tmp_path / "c.txt.xz").write_bytes(lzma.compress(text))
    (tmp_path / "d").write_bytes(zipped(inner=gzip.compress(tarred("deep", zipped(x=text)))))
    assert search.places(tmp_path) == [
        ("/a.zip", "in/x.txt, line 3"),
        ("/b.tgz", "x.txt, line 3"),
        ("/c.txt.xz", "unpacked, line 3"),
        ("/d", "inner!deep!x, line 3"),
    ]


def test_readable_parts_of_a_broken_or_encrypted_archive_are_searched(
    search: Search, tmp_path: Path
) -> None:
    noise = LETTERS.randbytes(200_000)
    whole = gzip.compress(f"{TOKEN}\n".encode() + b"\n" * 5000 + noise)
    (tmp_path / "cut.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "no.zip").write_bytes(b"PK\x03\x04" + noise[:100])
    (tmp_path / "no.tar").write_bytes(
        b"x" * bounded_reader.TAR_MAGIC_OFFSET + b"ustar" + noise[:100]
    )
    report = search.report(tmp_path)
    assert [each["path"] for each in report["findings"]] == ["/cut.gz"]
    assert report["unreadable"] == []


@pytest.mark.parametrize(
    ("module", "bound", "value"),
    [
        (bounded_reader, "UNPACKED_BYTES", 1000),
        (bounded_reader, "MOST_MEMBERS", 1),
        (archives, "DEEPEST", 1),
        (archives, "NESTED_BYTES", 10),
    ],
)
def test_content_beyond_a_limit_makes_the_machine_unclean(
    search: Search,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: ModuleType,
    bound: str,
    value: int,
) -> None:
    (tmp_path / "a.zip").write_bytes(zipped(inner=zipped(x=b"nothing " * 1000)))
    assert is_clean(search.report(tmp_path))
    monkeypatch.setattr(module, bound, value)
    report = search.report(tmp_path)
    assert [each["path"] for each in report["unreadable"]] == ["/a.zip"]
    assert is_clean(search.report(tmp_path, allowed=(AllowEntry("/a.zip", NOT_SEARCHED_RULE),)))


def test_git_history_is_searched_including_unreachable_commits(
    search: Search, tmp_path: Path
) -> None:
    git(tmp_path, "init", "--quiet", "clone")
    work = tmp_path / "clone"
    (work / "now.txt").write_text(f"x\n{TOKEN}\n")
    (work / "then.txt").write_text(f"x\ny\n{OTHER}\n")
    git(work, "add", "now.txt", "then.txt")
    then = git(work, "rev-parse", ":then.txt")
    git(work, "reset", "--quiet")
    (work / "then.txt").unlink()
    assert search.places(tmp_path) == [
        ("/clone/.git", f"history, blob {then[:12]}, line 3"),
        ("/clone/now.txt", "line 2"),
    ]


def test_settings_on_the_host_cannot_silence_the_search(search: Search, tmp_path: Path) -> None:
    """Neither a comment, nor an ignore file, a configuration, an attribute or a name."""
    git(tmp_path, "init", "--quiet", ".")
    allowing = "[[allowlists]]\nregexes = ['.*']\npaths = ['.*']\n"
    for name in (".gitleaks.toml", ".betterleaks.toml", ".gitleaksignore", ".betterleaksignore"):
        (tmp_path / name).write_text(allowing)
    (tmp_path / ".gitattributes").write_text("* -diff binary\n")
    names = ("a.txt", "go.sum", "x.svg", "gitleaks.toml", "package-lock.json")
    for name in names:
        (tmp_path / name).write_text(f"{TOKEN} # gitleaks:allow betterleaks:allow\n")
    folder = tmp_path / "venv/lib/python3.12/site-packages/node_modules"
    folder.mkdir(parents=True)
    (folder / "b.js").write_text(f"{TOKEN}\n")
    found = {path for path, _ in search.places(tmp_path)}
    assert found == {f"/{name}" for name in names} | {f"/{folder.relative_to(tmp_path)}/b.js"}


def test_unreadable_git_history_makes_the_machine_unclean(search: Search, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", ".")
    (tmp_path / "a.txt").write_text("nothing\n" * 100)
    git(tmp_path, "add", "a.txt")
    kept = next(path for path in (tmp_path / ".git/objects").rglob("*") if path.is_file())
    kept.chmod(0o600)
    kept.write_bytes(b"broken")
    (tmp_path / "a.txt").unlink()
    report = search.report(tmp_path)
    assert [each["path"] for each in report["unreadable"]] == ["/.git"]
    assert not is_clean(report)


def test_too_large_git_history_makes_the_machine_unclean(
    search: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "--quiet", ".")
    (tmp_path / "a.txt").write_text("nothing\n" * 100)
    git(tmp_path, "add", "a.txt")
    (tmp_path / "a.txt").unlink()
    monkeypatch.setattr(git_history, "HISTORY_BYTES", 100)
    [missing] = search.report(tmp_path)["unreadable"]
    assert missing["path"] == "/.git"
    assert "larger than" in missing["reason"]


def test_only_changed_lines_of_a_version_are_searched_with_context() -> None:
    lines = [b"line %d" % number for number in range(20)]
    news = NewLines()
    assert list(news.hunks(b"\n".join(lines))) == [(1, b"\n".join(lines))]
    assert list(news.hunks(b"\n".join(lines))) == []
    lines[10] = b"changed"
    assert list(news.hunks(b"\n".join(lines))) == [(8, b"\n".join(lines[7:14]))]


def test_repositories_are_recognised_by_their_content() -> None:
    paths = ["a/.git/HEAD", "a/.git/objects/ab/cd", "b.git/HEAD", "b.git/objects/pack/p", "c/HEAD"]
    paths += ["HEAD", "objects/info/packs"]
    assert find_repositories(paths) == ["a/.git", "b.git"]


def test_a_credential_among_checksums_is_found(search: Search, tmp_path: Path) -> None:
    digest, record = "0" * 32, f"a.py,sha256={'x' * 43},12\n"
    info, site = tmp_path / "var/lib/dpkg/info", tmp_path / "opt/a-1.dist-info"
    info.mkdir(parents=True)
    site.mkdir(parents=True)
    (info / "a.md5sums").write_text(f"{digest}  usr/a\n{TOKEN}\n{digest}  usr/b\n")
    (info / "a.list").write_text(f"/usr\n/usr/a\n{TOKEN}\n")
    (site / "RECORD").write_text(f"{record}{TOKEN},,\n{record}")
    assert search.places(tmp_path) == [
        ("/opt/a-1.dist-info/RECORD", "line 2"),
        ("/var/lib/dpkg/info/a.list", "line 3"),
        ("/var/lib/dpkg/info/a.md5sums", "line 2"),
    ]
