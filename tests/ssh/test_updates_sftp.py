"""A check for updates asks an ssh server for the size and the date of a file."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from notebake.errors import PreflightError
from notebake.images.updates import source_state
from notebake.images.updates.compare_sources import compare_states
from notebake.images.updates.finding import Change
from notebake.images.updates.source_state import SourceState, ask_source
from notebake.recipe import Dataset
from tests.ssh.conftest import Start
from tests.ssh.own_sshd import Sshd

NOON = 1_795_348_800
"""In seconds: 2026-11-22T12:00:00Z."""


@pytest.fixture
def sshd(start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sshd:
    """A server with sftp, to which the user's own sftp has the key."""
    running = start("Subsystem=sftp internal-sftp")
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{running.port} {running.host.host_key}\n")
    config, program = tmp_path / "ssh_config", tmp_path / "programs" / "sftp"
    key = running.host.private_key_path
    config.write_text(f"IdentityFile {key}\nUserKnownHostsFile {known}\n")
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shutil.which("sftp")} -F {config} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return running


def put(sshd: Sshd, content: bytes, seconds: float = NOON) -> None:
    path = sshd.home / "my data.nc"
    path.write_bytes(content)
    os.utime(path, (seconds, seconds))


def ask(sshd: Sshd, path: str = "my%20data.nc") -> SourceState:
    source = f"sftp://root@127.0.0.1:{sshd.port}/{path}"
    return ask_source(Dataset(name="ocean", source=source, path="/data/x"), "us-west-2")


@contextmanager
def time_zone(name: str) -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = name
    try:
        yield
    finally:
        os.environ.pop("TZ")
        os.environ |= {} if before is None else {"TZ": before}


def test_a_file_has_its_size_and_its_date_in_utc(sshd: Sshd) -> None:
    put(sshd, b"x" * 2048, time.time() - 86400)
    recent = ask(sshd)
    put(sshd, b"x" * 2048, 1_577_880_000)

    old = ask(sshd)
    with time_zone("Pacific/Kiritimati"):
        elsewhere = ask(sshd)

    assert (recent.size, len(recent.modified)) == (2048, len("2026-11-22T12:00Z"))
    assert recent.modified[:10] == time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86400))
    assert (old.size, old.modified) == (2048, "2020-01-01")
    assert elsewhere == old


@pytest.mark.parametrize(
    ("content", "later", "is_changed"),
    [(b"first", 0, False), (b"first", 86400, True), (b"longer", 0, True)],
)
def test_another_size_or_date_is_a_change(
    content: bytes, later: float, is_changed: bool, sshd: Sshd
) -> None:
    put(sshd, b"first")
    before = ask(sshd)
    put(sshd, content, NOON + later)

    found = compare_states(before, ask(sshd), is_content_fixed=False)

    assert isinstance(found, Change) if is_changed else found == ""


def test_a_folder_is_not_compared(sshd: Sshd) -> None:
    (sshd.home / "folder").mkdir()
    (sshd.home / "folder" / "one.nc").write_bytes(b"x")

    with pytest.raises(PreflightError, match="only a file is compared"):
        ask(sshd, "folder")


def test_a_missing_file_gives_the_words_of_sftp(sshd: Sshd) -> None:
    with pytest.raises(PreflightError, match=r"none\.nc.*not found"):
        ask(sshd, "none.nc")


def test_a_server_that_is_gone_is_no_answer(sshd: Sshd) -> None:
    source = "sftp://root@127.0.0.1:9/x.nc"
    assert sshd.port != 9

    with pytest.raises(PreflightError, match="could not list"):
        ask_source(Dataset(name="ocean", source=source, path="/data/x"), "us-west-2")


def test_a_server_that_hangs_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "programs" / "sftp"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(source_state, "SOURCE_SECONDS", 0.2)

    with pytest.raises(PreflightError, match=r"timed out after 0\.2 s"):
        ask_source(Dataset(name="ocean", source="sftp://a@b/x.nc", path="/data/x"), "us-west-2")
