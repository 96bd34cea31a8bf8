"""Which server Prefect has been told to use: as Prefect itself reads it, and whether it answers."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer

import pytest

from flows.local_prefect import configured_server
from flows.local_prefect.configured_server import (
    ConfiguredServer,
    check_server_responds,
    check_somebody_answers,
    find_configured_server,
)
from notebake.errors import NotebakeError
from tests.limits import HANG_SECONDS

ROOT = Path(__file__).parents[2]
AS_WRITTEN = """\
active = "{active}"

[profiles.ephemeral]
PREFECT_SERVER_ALLOW_EPHEMERAL_MODE = "true"

[profiles.local]
PREFECT_API_URL = "http://127.0.0.1:4277/api"

[profiles.empty]
PREFECT_API_URL = ""
"""
"""As `prefect profile create` and `prefect config set` of 3.8 write it."""
PROJECT = '[tool.prefect.api]\nurl = "http://pyproject/api"\n'
ELSEWHERE = {"elsewhere.toml": AS_WRITTEN.format(active="local")}
SITUATIONS: dict[str, tuple[dict[str, str], dict[str, str], str | None]] = {
    # files (home/ is the home), variables, and the server that both must find
    "nothing": ({}, {}, None),
    "variable": ({}, {"PREFECT_API_URL": "http://variable/api"}, "http://variable/api"),
    "small letters": ({}, {"prefect_api_url": "http://small/api"}, "http://small/api"),
    "active": ({"home/.prefect/profiles.toml": AS_WRITTEN.format(active="local")}, {},
               "http://127.0.0.1:4277/api"),
    "inactive": ({"home/.prefect/profiles.toml": AS_WRITTEN.format(active="ephemeral")}, {}, None),
    "empty in the profile": ({"home/.prefect/profiles.toml": AS_WRITTEN.format(active="empty")}, {},
                             None),
    "no such profile": ({"home/.prefect/profiles.toml": AS_WRITTEN.format(active="gone")}, {},
                        None),
    "empty variable": ({"home/.prefect/profiles.toml": AS_WRITTEN.format(active="local")},
                       {"PREFECT_API_URL": ""}, None),
    "profile by variable": ({"home/.prefect/profiles.toml": AS_WRITTEN.format(active="ephemeral")},
                            {"PREFECT_PROFILE": "local"}, "http://127.0.0.1:4277/api"),
    "Prefect's own profile": ({}, {"PREFECT_PROFILE": "local"}, "http://127.0.0.1:4200/api"),
    "another home": ({"other/profiles.toml": AS_WRITTEN.format(active="local")},
                     {"PREFECT_HOME": "other"}, "http://127.0.0.1:4277/api"),
    "another home without profiles": (
        {"home/.prefect/profiles.toml": AS_WRITTEN.format(active="local")},
        {"PREFECT_HOME": "other"}, None),
    "another file": (ELSEWHERE, {"PREFECT_PROFILES_PATH": "elsewhere.toml"},
                     "http://127.0.0.1:4277/api"),
    "another file by .env": ({**ELSEWHERE, ".env": "PREFECT_PROFILES_PATH=elsewhere.toml"}, {},
                             "http://127.0.0.1:4277/api"),
    "another file by prefect.toml": ({**ELSEWHERE, "prefect.toml":
                                      'profiles_path = "elsewhere.toml"'}, {},
                                     "http://127.0.0.1:4277/api"),
    ".env": ({".env": "export PREFECT_API_URL='http://dotenv/api'\n"}, {}, "http://dotenv/api"),
    "prefect.toml": ({"prefect.toml": '[api]\nurl = "http://toml/api"\n'}, {}, "http://toml/api"),
    "pyproject.toml": ({"pyproject.toml": PROJECT}, {}, "http://pyproject/api"),
    "all of them": ({".env": "PREFECT_API_URL=http://dotenv/api",
                     "prefect.toml": '[api]\nurl = "http://toml/api"\n', "pyproject.toml": PROJECT,
                     "home/.prefect/profiles.toml": AS_WRITTEN.format(active="local")}, {},
                    "http://dotenv/api"),
    "project before profile": ({"pyproject.toml": PROJECT, "home/.prefect/profiles.toml":
                                AS_WRITTEN.format(active="local")}, {}, "http://pyproject/api"),
    "emptied by prefect.toml": ({"prefect.toml": '[api]\nurl = ""\n',
                                 "home/.prefect/profiles.toml": AS_WRITTEN.format(active="local")},
                                {}, None),
}  # fmt: skip


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_server_is_the_one_that_prefect_itself_finds(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.settings import Settings, sources

    files, variables, expected = SITUATIONS[name]
    monkeypatch.chdir(tmp_path)
    for inherited in [
        variable for variable in os.environ if variable.upper().startswith("PREFECT_")
    ]:
        monkeypatch.delenv(inherited)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    # Prefect looks for the home once, when it is imported.
    monkeypatch.setattr(sources, "DEFAULT_PREFECT_HOME", tmp_path / "home" / ".prefect")
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)

    found = find_configured_server()

    assert (found.url if found else None) == expected
    assert (Settings().api.url or None) == expected


@pytest.mark.parametrize("name", ["prefect.toml", "pyproject.toml", ".prefect/profiles.toml"])
def test_a_file_that_prefect_could_not_read_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("PREFECT_HOME", "PREFECT_API_URL", "PREFECT_PROFILE"):
        monkeypatch.delenv(variable, raising=False)
    (tmp_path / ".prefect").mkdir()
    (tmp_path / name).write_text("active = [")

    with pytest.raises(NotebakeError, match="cannot be read") as caught:
        find_configured_server()

    assert str(tmp_path / name) in caught.value.message


def test_the_source_of_the_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://x/api")
    assert find_configured_server() == ConfiguredServer(
        "http://x/api", "PREFECT_API_URL in the environment"
    )


def test_a_missing_home_directory_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    def find_none() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for variable in ("PREFECT_HOME", "PREFECT_API_URL", "PREFECT_PROFILE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(Path, "home", find_none)
    assert find_configured_server() is None


Answers = Mapping[str, tuple[int, str] | None]


class Answering(StreamRequestHandler):
    """Answers each question with what is given for its path, or for `*`; None: never."""

    answers: Answers
    is_over: threading.Event

    def handle(self) -> None:
        while line := self.rfile.readline().decode():
            while self.rfile.readline().strip():
                pass
            given = self.answers.get(line.split()[1], self.answers.get("*"))
            if given is None:
                self.is_over.wait()
                return
            status, body = given
            head = f"HTTP/1.1 {status} As Given\r\nContent-Length: {len(body)}\r\n\r\n"
            self.wfile.write(f"{head}{body}".encode())


@contextmanager
def answering(answers: Answers) -> Iterator[str]:
    """Serve these answers, and give the address of the API."""
    is_over = threading.Event()
    handler = type("Handler", (Answering,), {"answers": answers, "is_over": is_over})
    with ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/api"
        is_over.set()
        server.shutdown()
        thread.join()


def check(url: str) -> None:
    """Check a server as a build does that was told to use it."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: url}):
        check_server_responds(
            ConfiguredServer(url, "the active profile mine of /home/ada/profiles.toml")
        )


FINE = {"/api/health": (200, "true"), "/api/admin/version": (200, '"3.8.8"')}


def test_a_server_that_answers_is_used() -> None:
    with answering(FINE) as url:
        check(url)


@pytest.mark.parametrize(
    ("answers", "message", "hint"),
    [
        ({"*": None}, "does not answer", "prefect server start"),
        ({"*": (503, "")}, "answers 503", "prefect server start"),
        ({"*": (404, "")}, "answers 404", "prefect server start"),
        ({"*": (200, "<html>")}, "does not answer", "prefect server start"),
        ({"*": (401, "")}, "does not let us in: 401", "PREFECT_API_AUTH_STRING"),
        (FINE | {"/api/admin/version": (401, "")}, "us in: 401", "PREFECT_API_AUTH_STRING"),
        (FINE | {"/api/admin/version": (403, "")}, "us in: 403", "PREFECT_API_AUTH_STRING"),
    ],
)
def test_an_unusable_server_gives_a_short_error(
    answers: Answers,
    message: str,
    hint: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(configured_server, "PREFECT_ANSWER_SECONDS", 0.5)
    with answering(answers) as url, pytest.raises(NotebakeError, match=message) as caught:
        check(url)

    assert "named by the active profile mine of /home/ada/profiles.toml" in caught.value.message
    assert hint in caught.value.hint
    assert "export PREFECT_API_URL=" in caught.value.hint


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/api", "localhost:4200", "x://y"])
def test_an_unreachable_address_gives_a_short_error(url: str) -> None:
    with pytest.raises(NotebakeError, match="does not answer"):
        check(url)
    # The same without Prefect, before anything is paid for.
    with pytest.raises(NotebakeError, match="does not answer") as caught:
        check_somebody_answers(ConfiguredServer(url, "the file .env"))
    assert "prefect server start" in caught.value.hint


@pytest.mark.parametrize("answers", [FINE, {"*": (401, "")}, {"*": (503, "")}])
def test_whoever_answers_is_judged_when_prefect_is_imported(answers: Answers) -> None:
    with answering(answers) as url:
        check_somebody_answers(ConfiguredServer(url, "the file .env"))


@pytest.mark.parametrize(
    ("variables", "more", "message"),
    [
        ({"PREFECT_API_URL": "http://127.0.0.1:9/api"}, "", "PREFECT_API_URL in the environment"),
        # Without an approval AWS, which nobody reaches here, would be asked first.
        (
            {"PREFECT_API_REQUEST_TIMEOUT": "soon"},
            "approve: [bake]\n",
            "cannot be imported with the settings",
        ),
    ],
)
def test_the_command_reports_prefect_problems_in_one_paragraph(
    variables: dict[str, str], more: str, message: str, tmp_path: Path
) -> None:
    recipe = tmp_path / "tiny.yaml"
    recipe.write_text(f"name: tiny\n{more}")
    known = {name: it for name, it in os.environ.items() if not name.startswith("PREFECT_")}
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli.main", "build", str(recipe)],
        cwd=ROOT,
        env=known | {"NOTEBAKE_HOME": str(tmp_path / "home")} | variables,
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )

    assert done.returncode == 1
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stdout + done.stderr
    assert "unexpected error" not in done.stderr
