"""Preflight checks of the repository and the datasets, with real servers and programs."""

import base64
import functools
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from notebake.aws.clients import connect
from notebake.preflight.finding import CheckResult
from notebake.preflight.repository import answers_with_own_settings
from notebake.recipe import Dataset, Network, Repository
from notebake.runs.run import Run
from tests.cloud_world import RECIPE, REGION, CloudWorld, RefusedCall
from tests.preflight_world import ReplacedAnswer, http_server, s3_refusal, sentences, serving

SHA256 = "0" * 64


def run_with(world: CloudWorld, source: str, **changes: object) -> Run:
    sha256 = SHA256 if source.startswith("http:") else None
    dataset = Dataset(name="profiles", source=source, path="/data/profiles", sha256=sha256)
    return world.new_run(RECIPE.model_copy(update={"datasets": (dataset,), **changes}))


@pytest.mark.parametrize(
    ("answers", "verdict", "message"),
    [
        ({"HEAD": 200}, CheckResult.GOOD, "exists"),
        ({"HEAD": 302}, CheckResult.GOOD, "exists"),
        ({"HEAD": 405, "GET": 206}, CheckResult.GOOD, "exists"),
        ({"HEAD": 403, "GET": 403}, CheckResult.WRONG, "answers 403"),
        ({"HEAD": 404}, CheckResult.WRONG, "answers 404"),
        ({"HEAD": 503}, CheckResult.NOT_CHECKED, "answers 503 at present"),
    ],
    ids=["there", "moved", "no HEAD", "forbidden", "missing", "busy"],
)
def test_an_http_dataset_is_probed_and_not_downloaded(
    answers: dict[str, int], verdict: CheckResult, message: str, world: CloudWorld
) -> None:
    with http_server({"/profiles": answers, "/there": {"HEAD": 200, "GET": 206}}) as url:
        found = sentences(run_with(world, f"{url}/profiles"), verdict, "datasets", "repository")

    assert f"/profiles {message}" in found


def test_an_unreachable_source_is_wrong_unless_the_machines_are_in_another_network(
    world: CloudWorld,
) -> None:
    source = "http://127.0.0.1:9/profiles"
    private = Network(address="private", ssh_from=("198.51.100.7/32",))

    assert "does not answer" in sentences(
        run_with(world, source), CheckResult.WRONG, "datasets", "repository"
    )
    elsewhere = run_with(world, source, network=private)
    assert "does not answer" in sentences(
        elsewhere, CheckResult.NOT_CHECKED, "datasets", "repository"
    )
    assert "does not answer" not in sentences(
        elsewhere, CheckResult.WRONG, "datasets", "repository"
    )


def test_a_redirect_from_https_to_http_is_wrong(
    world: CloudWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with http_server({"/profiles": {"HEAD": 200}}) as plain:

        class Leads(Quiet):
            def do_HEAD(self) -> None:
                self.send_response(302)
                self.send_header("Location", f"{plain}/profiles")
                self.send_header("Content-Length", "0")
                self.end_headers()

        certificate, key = tmp_path / "certificate", tmp_path / "key"
        write_certificate(certificate, key)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with serving(Leads, certificate=(certificate, key)) as url:
            run = run_with(world, f"{url}/profiles")
            findings = sentences(run, CheckResult.WRONG, "datasets")

    assert f"redirects to {plain}/profiles, without TLS, which no machine follows" in findings


def write_certificate(certificate: Path, key: Path) -> None:
    """Write a certificate for the loopback address that signs itself."""
    named = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    written = ["-keyout", str(key), "-out", str(certificate)]
    command = ["openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", *named, *written]
    subprocess.run(command, check=True, capture_output=True)


def test_s3_datasets_are_checked_with_our_own_credentials(world: CloudWorld) -> None:
    s3 = connect("s3", REGION)
    place = {"LocationConstraint": REGION}
    s3.create_bucket(Bucket="ocean-data", CreateBucketConfiguration=place)
    s3.put_object(Bucket="ocean-data", Key="folder/profiles.nc", Body=b"data")
    s3.put_object(Bucket="ocean-data", Key="empty/", Body=b"")

    for there in ("folder/profiles.nc", "folder/"):
        source = f"s3://ocean-data/{there}"
        assert f"{source} exists" in sentences(
            run_with(world, source), CheckResult.GOOD, "datasets", "repository"
        )
    for missing in ("folder/none.nc", "none/", "empty/"):
        source = f"s3://ocean-data/{missing}"
        assert f"profiles at {source} does not exist" in sentences(
            run_with(world, source), CheckResult.WRONG
        )


@pytest.mark.parametrize(
    ("code", "status", "verdict"),
    [
        ("AccessDenied", 403, CheckResult.WRONG),
        ("SlowDown", 503, CheckResult.NOT_CHECKED),
    ],
)
def test_an_s3_refusal_is_wrong_and_a_transient_error_is_not_checked(
    code: str, status: int, verdict: CheckResult, world: CloudWorld
) -> None:
    refuses = ReplacedAnswer("GET /ocean-data", lambda _: s3_refusal(code), status)
    with world.intercepting(refuses):
        findings = sentences(
            run_with(world, "s3://ocean-data/folder/"), verdict, "datasets", "repository"
        )

    assert refuses.fired
    assert "ocean-data/folder/" in findings


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory whose programs are found before all others."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def install(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_an_sftp_dataset_is_listed_by_the_user_s_sftp_program(
    world: CloudWorld, programs: Path
) -> None:
    install(programs, "sftp", f'echo "$@" > {programs}/asked; cat >> {programs}/asked')
    run = run_with(world, "sftp://reader@data.example.org/export/my%20profiles")

    assert "profiles exists" in sentences(run, CheckResult.GOOD, "datasets", "repository")
    arguments = (programs / "asked").read_text()
    assert "BatchMode=yes" in arguments
    assert "sftp://reader@data.example.org\n" in arguments
    assert 'ls -1 "export/my profiles"' in arguments


def test_an_sftp_refusal_is_wrong_and_quotes_the_message(world: CloudWorld, programs: Path) -> None:
    install(programs, "sftp", "echo 'Permission denied (publickey).' >&2; exit 255")

    findings = sentences(
        run_with(world, "sftp://reader@data.example.org/export"),
        CheckResult.WRONG,
        "datasets",
        "repository",
    )

    assert "Permission denied (publickey)" in findings
    assert "Try: sftp sftp://reader@data.example.org/export" in findings


def test_an_sftp_that_hangs_is_not_checked(
    world: CloudWorld, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(programs, "sftp", "exec sleep 60")
    monkeypatch.setattr("notebake.preflight.datasets.SFTP_SECONDS", 0.2)

    findings = sentences(
        run_with(world, "sftp://reader@data.example.org/export"),
        CheckResult.NOT_CHECKED,
        "datasets",
        "repository",
    )

    assert "timed out" in findings


COMMIT = "95f5ce912b9cafb4d8c7ee71b4b2341e852af8df"


@pytest.mark.parametrize(
    ("ref", "verdict", "message"),
    [
        ("main", CheckResult.GOOD, "has main"),
        (COMMIT[:10], CheckResult.GOOD, "has the commit 95f5"),
        ("abcdef0123", CheckResult.NOT_CHECKED, "whether it has commit abcdef0123"),
        ("none", CheckResult.WRONG, "no branch or tag named `none`"),
    ],
)
def test_the_references_of_a_repository_are_checked(
    ref: str, verdict: CheckResult, message: str, world: CloudWorld, programs: Path
) -> None:
    install(programs, "git", f"printf '{COMMIT}\\trefs/heads/main\\n'")
    repository = Repository(url="https://git.example.org/ocean", ref=ref)
    run = world.new_run(RECIPE.model_copy(update={"repository": repository}))

    assert message in sentences(run, verdict, "datasets", "repository")


def test_an_unreachable_repository_or_a_missing_git_is_wrong(
    world: CloudWorld, programs: Path
) -> None:
    repository = Repository(url="https://git.example.org/ocean", ref="main")
    run = world.new_run(RECIPE.model_copy(update={"repository": repository}))
    install(programs, "git", "echo 'fatal: could not resolve host' >&2; exit 128")

    assert "could not resolve host" in sentences(run, CheckResult.WRONG, "datasets", "repository")


@pytest.fixture
def private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository, and a home whose git settings may lead to it."""
    home, repository = tmp_path / "home", tmp_path / "private"
    home.mkdir()
    for name in [name for name in os.environ if name.startswith(("GIT_", "SSH_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    git("init", "--quiet", "--initial-branch=main", str(repository))
    git("-C", str(repository), *identity, "commit", "--quiet", "--allow-empty", "--message=x")
    return repository


def served(repository: Path) -> str:
    """Return a directory with the repository as `ocean.git`, fit for git's plain http."""
    folder = repository.parent / "served"
    bare = folder / "ocean.git"
    git("clone", "--quiet", "--bare", str(repository), str(bare))
    git("-C", str(bare), "update-server-info")
    return str(folder)


def git(*words: str) -> None:
    subprocess.run(["git", *words], check=True)


def settings_of_the_user(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del monkeypatch
    git("config", "--global", f"url.file://{repository}.insteadOf", PRIVATE)


def settings_in_another_place(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = repository.parent / "settings"
    git("config", "--file", str(settings), f"url.file://{repository}.insteadOf", PRIVATE)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))


def settings_in_the_environment(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.file://{repository}.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", PRIVATE)


def settings_of_the_directory(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = repository.parent / "here"
    git("init", "--quiet", str(here))
    git("-C", str(here), "config", f"url.file://{repository}.insteadOf", PRIVATE)
    monkeypatch.chdir(here)


def settings_of_xdg(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = repository.parent / "xdg" / "git" / "config"
    place.parent.mkdir(parents=True)
    git("config", "--file", str(place), f"url.file://{repository}.insteadOf", PRIVATE)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(place.parents[1]))


PRIVATE = "https://git.corp.invalid/team/private.git"
OWN_SETTINGS = (
    settings_of_the_user,
    settings_in_another_place,
    settings_in_the_environment,
    settings_of_the_directory,
    settings_of_xdg,
)


def ask_for(world: CloudWorld, url: str, verdict: CheckResult) -> str:
    repository = Repository(url=url, ref="main")
    run = world.new_run(RECIPE.model_copy(update={"repository": repository}))
    return sentences(run, verdict, "repository")


@pytest.mark.parametrize("settings", OWN_SETTINGS)
def test_a_repository_reachable_only_by_local_settings_is_refused(
    settings: Callable[[Path, pytest.MonkeyPatch], None],
    private: Path,
    world: CloudWorld,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings(private, monkeypatch)
    assert answers_with_own_settings(PRIVATE), "this computer can reach it"

    findings = ask_for(world, PRIVATE, CheckResult.WRONG)

    assert "answers only with this computer's own git settings, keys or helpers" in findings
    assert "the machine has none of them" in findings
    assert ask_for(world, PRIVATE, CheckResult.GOOD) == ""


def test_a_repository_that_needs_a_password_is_refused(
    private: Path, world: CloudWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    with guarded_git_server(private) as url:
        assert "Tried to list the branches" in ask_for(world, url, CheckResult.WRONG)
        assert "own git settings" not in ask_for(world, url, CheckResult.WRONG)

        netrc = private.parent / "home" / ".netrc"
        netrc.write_text("machine 127.0.0.1 login ada password secret\n")
        findings = ask_for(world, url, CheckResult.WRONG)
        assert "own git settings" in findings
        assert "secret" not in findings

        netrc.unlink()
        git("config", "--global", "credential.helper", HELPER)
        assert "own git settings" in ask_for(world, url, CheckResult.WRONG)

        git("config", "--global", "--unset", "credential.helper")
        askpass = private.parent / "askpass"
        askpass.write_text("#!/bin/sh\ncase $1 in User*) echo ada ;; *) echo secret ;; esac\n")
        askpass.chmod(0o755)
        monkeypatch.setenv("GIT_ASKPASS", str(askpass))
        assert "own git settings" in ask_for(world, url, CheckResult.WRONG)


HELPER = "!f() { echo username=ada; echo password=secret; }; f"


@contextmanager
def guarded_git_server(repository: Path) -> Iterator[str]:
    """Serve a repository by git's plain http, to whom ada's password is known."""
    folder = served(repository)
    wanted = "Basic " + base64.b64encode(b"ada:secret").decode()

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *words: Any) -> None:
            super().__init__(*words, directory=folder)

        def do_GET(self) -> None:
            if self.headers.get("Authorization") == wanted:
                super().do_GET()
                return
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with serving(Handler) as url:
        yield f"{url}/ocean.git"


def test_a_public_repository_is_good_with_any_local_settings(
    private: Path, world: CloudWorld
) -> None:
    handler = functools.partial(Quiet, directory=served(private))
    with serving(handler) as address:
        url = f"{address}/ocean.git"
        git("config", "--global", "url.ssh://git@nowhere.invalid/.insteadOf", f"{address}/")
        assert not answers_with_own_settings(url)

        assert f"{url} has main" in ask_for(world, url, CheckResult.GOOD)


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and logs nothing."""

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def test_git_s_proxy_setting_is_used(private: Path, world: CloudWorld) -> None:
    folder = served(private)

    class Proxy(Quiet):
        def __init__(self, *words: Any) -> None:
            super().__init__(*words, directory=folder)

        def translate_path(self, path: str) -> str:
            paths.append(path)
            return super().translate_path(urlsplit(path).path)

    paths: list[str] = []
    with serving(Proxy) as proxy:
        git("config", "--global", "http.proxy", proxy)
        assert "has main" in ask_for(
            world, "http://git.example.invalid/ocean.git", CheckResult.GOOD
        )

    assert paths[0].startswith("http://git.example.invalid/ocean.git/info/refs")


def test_ssh_checks_use_no_agent_key_or_known_host(
    private: Path, world: CloudWorld, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del private
    install(
        programs, "ssh", f'echo "${{SSH_AUTH_SOCK:-no agent}} $@" >> {programs}/asked; exit 255'
    )
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")
    monkeypatch.setenv("GIT_SSH_COMMAND", "ssh -i /home/me/key")

    ask_for(world, "ssh://git@git.example.invalid/private.git", CheckResult.WRONG)

    stranger, own = (programs / "asked").read_text().splitlines()
    assert stranger.startswith("no agent -F none -o BatchMode=yes")
    assert "IdentityFile=none" in stranger
    assert own.startswith("/run/agent -i /home/me/key")


def test_one_refusal_does_not_hide_other_findings(world: CloudWorld) -> None:
    with world.intercepting(
        RefusedCall("DescribeInstanceTypes", "UnauthorizedOperation", status=403)
    ):
        findings = sentences(
            run_with(world, "http://127.0.0.1:9/profiles"),
            CheckResult.WRONG,
            "datasets",
            "repository",
        )

    assert "does not answer" in findings
