"""What `open` prints and writes: the page, the plain ssh command, what may be lost, warnings."""

import datetime
import stat
from pathlib import Path

import pytest

from notebake.servers import login_page
from notebake.servers.idle_state import parse_idle_state
from notebake.servers.login_page import remove_page, ssh_command, url_of, write_page
from notebake.servers.silence import Silence, at_work_since, describe_silence
from tests.server_world import server_named
from tests.unit.test_server_places import HOST

NOON = datetime.datetime(2026, 11, 30, 12, tzinfo=datetime.UTC)
SECRET = 'a&b<c>"d'  # noqa: S105


def test_the_page_logs_in_and_is_for_one_person_only() -> None:
    page = write_page(server_named("ada", "ocean"), url_of(7005, SECRET))
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    text = page.read_text()
    assert "url=http://127.0.0.1:7005/lab?token=a%26b%3Cc%3E%22d" in text
    assert SECRET not in text
    remove_page(server_named("ada", "ocean"))
    assert not page.exists()
    remove_page(server_named("ada", "ocean"))


def test_the_browser_gets_a_file_and_never_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setenv("BROWSER", "any")

    def note(url: str) -> bool:
        opened.append(url)
        return True

    monkeypatch.setattr("webbrowser.open", note)
    page = write_page(server_named("ada", "ocean"), url_of(7005, "f00d"))
    assert login_page.open_browser(page)
    assert opened == [page.as_uri()]
    assert "f00d" not in opened[0]


def test_no_browser_of_the_terminal_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    assert not login_page.open_browser(Path("/page"))


@pytest.mark.parametrize("platform", ["linux", "win32"])
def test_the_plain_command_pins_the_host_key(platform: str) -> None:
    known_hosts = Path("/home/ada lovelace/known_hosts")
    line = ssh_command(HOST, known_hosts, port=7005, jupyter_port=8888, platform=platform)
    quoted = {
        "linux": """'UserKnownHostsFile="/home/ada lovelace/known_hosts"'""",
        "win32": """'UserKnownHostsFile=\\"/home/ada lovelace/known_hosts\\"'""",
    }
    assert line == (
        f"ssh -F none -i /k -N -L 127.0.0.1:7005:localhost:8888 -o IdentitiesOnly=yes"
        f" -o {quoted[platform]} -o HostKeyAlias=i-1 -o StrictHostKeyChecking=yes"
        " -o ServerAliveInterval=15 -o ExitOnForwardFailure=yes ubuntu@198.51.100.7"
    )


def test_without_jupyterlab_there_is_no_tunnel() -> None:
    line = ssh_command(HOST, Path("/kh"), port=None, jupyter_port=None, platform="linux")
    assert "-L" not in line
    assert "ExitOnForwardFailure" not in line


def session(path: str, state: str, minutes: float) -> dict[str, object]:
    active = (NOON + datetime.timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")
    return {"path": path, "kernel": {"execution_state": state, "last_activity": active}}


def test_what_was_at_work_is_named_and_what_was_not_is_not() -> None:
    sessions: list[dict[str, object]] = [
        session("busy.ipynb", "busy", -60),
        session("printed.ipynb", "idle", 1),
        session("asleep.ipynb", "idle", -1),
        {"path": "odd", "kernel": None},
    ]
    assert at_work_since(sessions, NOON) == ("busy.ipynb", "printed.ipynb")


@pytest.mark.parametrize(
    ("notebooks", "said"),
    [
        ((), "No notebook was at work meanwhile, so no output is lost."),
        (("a.ipynb", "b.ipynb"), "What a.ipynb, b.ipynb printed meanwhile may be missing"),
        (None, "What cells printed meanwhile may be missing"),
    ],
)
def test_a_silence_is_described_with_its_length(
    notebooks: tuple[str, ...] | None, said: str
) -> None:
    ended = NOON + datetime.timedelta(minutes=12, seconds=5)
    lines = describe_silence(Silence(began=NOON, ended=ended, notebooks=notebooks))
    assert "after 12 min 05 s" in lines[0]
    assert said in " ".join(lines)


def test_the_idle_file_is_read_and_another_one_is_not() -> None:
    state = parse_idle_state(
        '{"checked": "2026-11-30T12:00:00Z", "idle_since": null, "active": ["kernel busy: a"],'
        ' "stops_at": "2026-11-30T12:09:00Z", "why": "idle", "later": 1}'
    )
    assert state is not None
    assert state.active == ("kernel busy: a",)
    assert state.minutes_left(NOON) == 9
    for odd in ("", "[]", "{", '{"stops_at": "soon"}'):
        assert parse_idle_state(odd) is None
