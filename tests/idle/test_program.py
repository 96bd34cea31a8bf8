"""The whole program on a machine of stand-ins: tags, JupyterLab, terminals, the power switch."""

import ast
import base64
import io
import json
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from notebake.aws import tags
from notebake.commands.idle_units import PROGRAM_DIGEST
from notebake.machines.idle import __main__ as program
from notebake.machines.idle import collect, kernels, memory, metadata, processors, settings, traffic
from notebake.machines.idle.memory import Clocks, Memory
from notebake.machines.idle.metadata import MetadataError, read_tags
from notebake.machines.idle.settings import Limits
from notebake.machines.idle.signals import ANSWERS, SILENT, STOPPED
from notebake.machines.idle_program import FOLDER, idle_program, idle_program_digest
from tests.limits import HANG_SECONDS

TOKEN = "0123456789abcdef"  # noqa: S105
SERVER = {tags.SERVER: "ocean", "Name": "notebake ocean"}
START = 1_000_000_000.0


@dataclass
class World:
    """A machine: what its services answer, and what was done to it."""

    folder: Path
    tags: dict[str, str] | None = field(default_factory=lambda: dict(SERVER))
    kernels: list[dict[str, Any]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    offs: int = 0
    minutes: int = 0
    port: int = 0

    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "run/idle.json").read_text())
        return found

    def wait(self, minutes: int) -> None:
        """Check each minute, as the timer does."""
        for _ in range(minutes):
            self.minutes += 1
            program.main()


def handler_of(world: World) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def answer(self, status: int, text: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def do_PUT(self) -> None:
            asked = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds")
            self.answer(200 if asked else 400, "a token")

        def do_GET(self) -> None:
            world.requests.append(self.path)
            if self.path.startswith("/api/"):
                self.jupyter()
            elif self.headers.get("X-aws-ec2-metadata-token") != "a token":
                self.answer(401, "")
            elif world.tags is None:
                self.answer(404, "")
            elif self.path == metadata.TAGS:
                self.answer(200, "\n".join(world.tags))
            else:
                self.answer(200, world.tags[self.path.removeprefix(f"{metadata.TAGS}/")])

        def jupyter(self) -> None:
            if self.headers.get("Authorization") != f"token {TOKEN}":
                self.answer(403, "")
                return
            self.answer(200, json.dumps(world.kernels if "/kernels" in self.path else []))

    return Handler


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A server that was started at 06:13 UTC on a Tuesday, checked each minute."""
    made = World(tmp_path)
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    (tmp_path / "pts").mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), handler_of(made)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        made.port = server.server_port
        limits = {"jupyter_port": made.port, "token_file": str(tmp_path / "token")}
        (tmp_path / "idle.json").write_text(json.dumps(limits))
        point(made, monkeypatch, f"127.0.0.1:{made.port}")
        yield made
        server.shutdown()
        thread.join()


def point(world: World, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Let the program find the stand-ins, and its own time."""
    folder = world.folder
    for function, *defaults in (
        (memory.load_memory, str(folder / "run")),
        (memory.save_memory, str(folder / "run")),
        (memory.write_report, str(folder / "run")),
        (metadata.read_tags, address),
        (settings.read_limits, str(folder / "idle.json")),
        (processors.read_processor_time, str(folder / "none"), str(folder / "pts")),
        (collect.find_package_job, str(folder / "none")),
    ):
        monkeypatch.setattr(function, "__defaults__", tuple(defaults))
    monkeypatch.setattr(
        program, "read_clocks", lambda: Clocks(START + 60 * world.minutes, 100 + 60 * world.minutes)
    )
    monkeypatch.setattr(collect, "read_boot", lambda: 100.0)
    monkeypatch.setattr(collect, "read_terminals", lambda: ())
    monkeypatch.setattr(traffic, "read_interface_bytes", lambda: 1000)
    monkeypatch.setattr(traffic, "read_connections", lambda: ({}, []))

    def write_to_terminals(text: str) -> int:
        world.written.append(text)
        return 2

    monkeypatch.setattr(program, "write_to_terminals", write_to_terminals)

    def power_off() -> None:
        world.offs += 1

    monkeypatch.setattr(program, "power_off", power_off)


def test_a_server_that_nobody_uses_is_warned_twice_and_stops(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.wait(59)
    assert world.offs == 0
    assert [text.split(":")[0:2] for text in world.written] == [
        ["notebake", " this machine stops in 10 minutes (02"],
        ["notebake", " this machine stops in 2 minutes (02"],
    ]
    assert all("notebake keep ocean --for 3h" in text for text in world.written)
    world.wait(1)
    assert world.offs == 1
    journal = capsys.readouterr().out.splitlines()
    assert [line[:3] for line in journal] == ["<5>", "<5>", "<4>", "<4>", "<4>"]
    assert journal[:2] == [
        "<5>In use",
        "<5>Not used since 01:46 UTC (last: start); stops at 02:46 UTC: idle",
    ]
    assert journal[-1].startswith("<4>Powers off: idle.")


def test_what_everybody_may_read_says_since_when_and_until_when(world: World) -> None:
    world.wait(1)

    found = world.report()
    assert found["checked"] == "2001-09-09T01:47:40+00:00"
    assert found["idle_since"] == "2001-09-09T01:46:40+00:00"
    assert (found["active"], found["why"]) == ([], "idle")
    assert found["stops_at"] == "2001-09-09T02:46:40+00:00"
    assert found["last_use"] == "start"
    assert (world.folder / "run/idle.json").stat().st_mode & 0o777 == 0o644
    assert (world.folder / "run/idle-memory.json").stat().st_mode & 0o777 == 0o600


def test_it_can_be_read_where_a_hardened_umask_made_its_folder(world: World) -> None:
    (world.folder / "run").mkdir(mode=0o750)
    world.wait(1)

    assert (world.folder / "run").stat().st_mode & 0o777 == 0o755
    assert world.report()["why"] == "idle"


def test_a_busy_kernel_puts_the_stop_off_and_its_warnings_begin_anew(world: World) -> None:
    world.wait(51)
    assert len(world.written) == 1
    world.kernels = [kernel("busy")]
    world.wait(10)
    assert world.report()["active"] == ["kernel busy: a kernel python3 without a notebook"]
    assert (world.report()["idle_since"], world.report()["why"]) == (None, "hard end")
    world.kernels = []
    world.wait(59)
    assert (world.offs, len(world.written)) == (0, 3)
    world.wait(1)
    assert world.offs == 1


def kernel(state: str) -> dict[str, Any]:
    return {
        **{"id": "1", "name": "python3", "execution_state": state, "connections": 0},
        "last_activity": "2001-09-09T01:46:40Z",
    }


def test_jupyter_is_asked_for_kernels_only_and_without_counting(world: World) -> None:
    world.wait(1)

    asked = [path for path in world.requests if path.startswith("/api")]
    assert asked == ["/api/kernels?no_track_activity=1", "/api/sessions?no_track_activity=1"]


def test_tags_that_change_while_it_runs_count_at_the_next_check(world: World) -> None:
    world.wait(1)
    assert world.tags
    world.tags |= {tags.IDLE: "5", tags.KEEP_UNTIL: "2001-09-09T02:00:00+00:00"}
    world.wait(12)
    assert (world.offs, world.report()["active"]) == (0, ["kept until 02:00 UTC"])
    world.wait(1)
    assert world.offs == 1


def test_a_daily_end_that_is_set_in_the_afternoon_for_the_morning_is_tomorrow_s(
    world: World,
) -> None:
    world.wait(30)
    assert world.tags
    world.tags |= {tags.DAILY_END: "02:00 UTC", tags.IDLE: "0"}
    world.wait(1)

    assert world.offs == 0
    assert world.report()["stops_at"] == "2001-09-10T01:46:40+00:00", "its hard end is earlier"


def test_a_daily_end_stops_what_is_busy(world: World) -> None:
    assert world.tags
    world.tags[tags.DAILY_END] = "04:00 Europe/Berlin"
    world.kernels = [kernel("busy")]
    world.wait(13)
    assert (world.offs, len(world.written)) == (0, 2)
    assert "its daily end" in world.written[0]
    world.wait(1)
    assert (world.offs, world.report()["why"]) == (1, "daily end")


@pytest.mark.parametrize("shown", [None, {"Name": "by hand"}], ids=["no tags shown", "no server"])
def test_what_is_no_server_is_left_alone_and_the_journal_says_it_once(
    world: World, capsys: pytest.CaptureFixture[str], shown: dict[str, str] | None
) -> None:
    world.tags = shown
    world.wait(200)

    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("<5>Does nothing: ")
    assert world.offs == 0
    assert not (world.folder / "run/idle.json").exists()


def test_a_machine_without_a_metadata_service_is_left_alone(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(metadata.read_tags, "__defaults__", ("127.0.0.1:1",))
    world.wait(200)

    assert "does not answer" in capsys.readouterr().out
    assert world.offs == 0


def test_tags_that_become_unreadable_are_kept(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert world.tags
    world.tags[tags.IDLE] = "30"
    world.wait(1)
    world.tags = None
    world.wait(28)
    assert "<4>Goes on with the tags as they were" in capsys.readouterr().out
    assert world.offs == 0
    world.wait(1)
    assert world.offs == 1


def test_a_server_that_becomes_none_is_left_alone(world: World) -> None:
    world.wait(30)
    world.tags = {"Name": "by hand"}
    world.wait(60)

    assert world.offs == 0


def test_a_clock_that_is_set_neither_ends_nor_extends_the_idleness(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.wait(30)
    jump = 7200.0
    monkeypatch.setattr(
        program,
        "read_clocks",
        lambda: Clocks(START + jump + 60 * world.minutes, 100 + 60 * world.minutes),
    )
    world.wait(29)
    assert world.offs == 0
    world.wait(1)
    assert world.offs == 1


def test_an_unreadable_memory_counts_as_none(world: World) -> None:
    world.wait(1)
    (world.folder / "run/idle-memory.json").write_text('{"other": 1}')
    world.wait(1)

    assert world.report()["idle_since"] == "2001-09-09T01:46:40+00:00"
    assert memory.load_memory() != Memory()


def test_a_wrong_tag_is_told_to_the_journal_and_to_everybody(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert world.tags
    world.tags[tags.DAILY_END] = "7 pm"
    world.wait(2)

    assert "'7 pm' and not used" in world.report()["complaints"][0]
    assert capsys.readouterr().out.count("7 pm") == 1


def test_a_name_that_is_none_is_not_written_to_terminals(world: World) -> None:
    assert world.tags
    world.tags[tags.SERVER] = "a\x07; reboot"
    world.wait(59)

    assert all("notebake keep NAME --for 3h" in text for text in world.written)
    assert world.written


@pytest.mark.parametrize(
    ("state", "expected"), [("active", SILENT), ("inactive", STOPPED), ("failed", STOPPED)]
)
def test_without_an_answer_systemd_says_whether_jupyter_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, expected: str
) -> None:
    fake = tmp_path / "systemctl"
    fake.write_text(f"#!/bin/sh\necho {state}\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (tmp_path / "token").write_text(TOKEN)
    found = kernels.read_kernels(Limits(jupyter_port=1, token_file=str(tmp_path / "token")))

    assert found[:2] == (expected, ())
    assert len(found[2]) == 1


def test_a_wrong_token_is_no_answer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "is_running", lambda _: True)
    (world.folder / "token").write_text("another")
    limits = Limits(jupyter_port=world.port, token_file=str(world.folder / "token"))

    assert kernels.read_kernels(limits)[0] == SILENT
    (world.folder / "token").write_text(TOKEN)
    assert kernels.read_kernels(limits)[0] == ANSWERS


def test_tags_of_others_are_not_asked_for(world: World) -> None:
    assert read_tags(f"127.0.0.1:{world.port}") == {tags.SERVER: "ocean"}
    world.tags = None
    with pytest.raises(MetadataError, match="InstanceMetadataTags"):
        read_tags(f"127.0.0.1:{world.port}")


def test_a_power_off_that_fails_is_forced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "systemctl"
    fake.write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/calls\n[ "$2" = --force ]\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    program.power_off()

    assert (tmp_path / "calls").read_text().splitlines() == ["poweroff", "poweroff --force"]


def test_the_digest_of_the_program_is_that_of_the_step() -> None:
    assert idle_program_digest() == PROGRAM_DIGEST, "write it to notebake/commands/idle_units.py"


def test_the_packed_program_is_reproducible_and_runs_alone(tmp_path: Path) -> None:
    content = base64.b64decode(idle_program())
    zipfile.ZipFile(io.BytesIO(content)).extractall(tmp_path)
    check = "import notebake.machines.idle.__main__ as program; print(program.__file__)"
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {check}"],
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=True,
    )

    assert done.stdout.strip() == str(tmp_path / "notebake/machines/idle/__main__.py")
    assert (tmp_path / "__main__.py").read_text().startswith("import runpy\n")
    assert content[:2] == b"PK"
    assert {entry.date_time for entry in zipfile.ZipFile(io.BytesIO(content)).infolist()} == {
        (1980, 1, 1, 0, 0, 0)
    }


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_it_reads_as_python_3_9_and_needs_the_standard_library_only(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    names |= {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    outside = {str(name) for name in names if not str(name).startswith("notebake.machines.idle")}

    assert {name.partition(".")[0] for name in outside} <= set(sys.stdlib_module_names)
    later = ("datetime.UTC", "StrEnum", "tomllib", "zip(strict", "removeprefix_", "slots=True")
    assert not [word for word in later if word in path.read_text(encoding="utf-8")]
