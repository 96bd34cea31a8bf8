"""`notebake open` as it is typed: the page, the token, a second time, a busy port, the end."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from notebake.servers.folders import folder_of
from tests.server_world import server_named
from tests.servers.typed import Typed, laptop
from tests.servers.world import TOKEN, Machine

pytestmark = pytest.mark.sandbox


@pytest.fixture
def place(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with laptop(machine, tmp_path / "laptop") as folder:
        monkeypatch.setenv("NOTEBAKE_HOME", str(folder / "notebake"))
        yield folder


def test_the_browser_is_logged_in_and_no_process_shows_the_token(place: Path) -> None:
    typed = Typed(place)
    typed.wait_until_logged_in()
    asked = typed.log.read_text().split()[-1]
    page = folder_of(server_named("ada", "ocean")) / "open.html"
    assert asked == page.as_uri()
    assert TOKEN in page.read_text()
    shown = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if _is_ours(path)]
    assert any(b"open" in words for words in shown), "we looked at the processes"
    assert not any(TOKEN.encode() in words for words in shown)
    assert TOKEN not in typed.printed

    again = Typed(place)
    assert again.process.wait(600) == 0
    assert "is open already" in again.printed
    assert len(typed.log.read_text().splitlines()) == 2, "the page opened again"

    assert typed.end() == 0
    assert "Closed." in typed.printed
    assert not page.exists()


def test_print_shows_the_url_and_opens_nothing(place: Path) -> None:
    typed = Typed(place, "--print")
    while "Without notebake: ssh " not in typed.printed:
        assert typed.process.poll() is None, typed.printed
        typed.process.poll()
    assert f"/lab?token={TOKEN}" in typed.printed
    assert not typed.log.exists()
    assert typed.end() == 0


def test_a_busy_port_is_one_sentence_with_the_next_command(place: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        typed = Typed(place, "--port", str(port))
        assert typed.process.wait(600) == 1
    assert f"listens on port {port}" in typed.printed
    assert "notebake open ocean --port" in typed.printed


def test_the_port_is_the_same_after_a_kill(place: Path) -> None:
    first = Typed(place)
    first.wait_until_logged_in()
    first.process.kill()
    first.process.wait()
    first.log.unlink()
    second = Typed(place)
    second.wait_until_logged_in()
    assert first.printed.splitlines()[0] == second.printed.splitlines()[0]
    second.end()


def _is_ours(path: Path) -> bool:
    try:
        return bool(path.read_bytes())
    except OSError:
        return False
