"""The step that cleans the host: a missing engine, allowed findings, and other findings."""

import json
from pathlib import Path

import pytest

from notebake.acceptance.allowed_findings import FILE, allowed_sentences
from notebake.commands.credential_scan import ENGINE_UNAVAILABLE
from notebake.errors import CredentialFoundError, HostCommandError
from notebake.recipe import Recipe, Volume
from notebake.recipe.credentials import AllowedCredential, Credentials
from notebake.runs import files
from notebake.runs.run import Run
from notebake.ssh.host import Host
from tasks import clean_host

ENTRIES = (
    AllowedCredential(path="/a/*.txt", rule="jwt", reason="The standard's own example."),
    AllowedCredential(path="/b", rule="private-key", reason="a test of the library"),
)
RECIPE = Recipe(name="ocean", credentials=Credentials(allow=ENTRIES))
FINDING = {"rule": "github-pat", "path": "/home/ubuntu/a", "place": "line 1"}
COUNTS = {"files": 9, "bytes": 9, "seconds": 0.1, "unreadable": [], "findings": []}
ALLOWED = [
    {"path": "/a/*.txt", "rule": "jwt", "count": 3},
    {"path": "/b", "rule": "private-key", "count": 0},
]

HOST = Host(address="192.0.2.1", user="ubuntu", instance_id="i-1", host_key="", private_key_path="")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(id="ocean-20261128-120000-0000", recipe=RECIPE, store=str(tmp_path))


def report(**more: object) -> str:
    return json.dumps({**COUNTS, "allowed": ALLOWED, **more, "complete": True}) + "\n"


def searched(run: Run, monkeypatch: pytest.MonkeyPatch, *printed: str) -> tuple[int, list[str]]:
    """Clean a host that prints these, one after the other; return the count and what was done."""
    done: list[str] = []
    waiting = list(printed)

    def work(host: Host, name: str, script: str, *, timeout_seconds: float) -> str:
        del host, name, timeout_seconds
        assert "jwt" in script and "/a/*.txt" in script  # noqa: PT018
        done.append("work")
        return waiting.pop(0)

    monkeypatch.setattr(clean_host, "run_detached", work)
    monkeypatch.setattr(clean_host, "copy_engine", lambda _: done.append("carry"))
    return clean_host.clean_and_search(run, HOST, "0" * 16), done


def test_the_engine_is_uploaded_to_a_host_that_cannot_download_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    count, done = searched(run, monkeypatch, f"fetching\n{ENGINE_UNAVAILABLE}\n", report())
    assert (count, done) == (9, ["work", "carry", "work"])


def test_a_host_that_still_lacks_the_engine_is_not_clean(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(HostCommandError):
        searched(run, monkeypatch, ENGINE_UNAVAILABLE, ENGINE_UNAVAILABLE)


def test_the_proof_lists_allowed_findings_with_reasons_and_unused_allowances(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert allowed_sentences(run) == []
    searched(run, monkeypatch, report())
    assert allowed_sentences(run) == [
        "Allowed by the recipe: jwt in /a/*.txt, found 3 times: The standard's own example.",
        "The recipe allows private-key in /b; nothing of it was found.",
    ]


def test_a_finding_stops_the_bake_and_explains_how_to_allow_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CredentialFoundError) as caught:
        searched(run, monkeypatch, report(findings=[FINDING]))
    assert "/home/ubuntu/a (line 1): github-pat" in caught.value.message
    assert "credentials.allow" in caught.value.hint
    assert "shred --remove FILE" in caught.value.hint, (
        "a snapshot keeps the blocks of deleted files"
    )
    assert "revoke" in caught.value.hint
    assert files.get_file(run, FILE) is None


def test_an_existing_volume_is_searched_and_nothing_on_it_is_removed(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    disks = (
        Volume(name="data", mount_point="/data"),
        Volume(name="theirs", mount_point="/theirs", volume_id="vol-01234567", in_image=True),
        Volume(name="other", mount_point="/other", volume_id="vol-76543210"),
    )
    with_disks = run.model_copy(update={"recipe": run.recipe.model_copy(update={"volumes": disks})})
    scripts: list[str] = []

    def work(host: Host, name: str, script: str, *, timeout_seconds: float) -> str:
        del host, name, timeout_seconds
        scripts.append(script)
        return report()

    monkeypatch.setattr(clean_host, "run_detached", work)
    clean_host.clean_and_search(with_disks, HOST, "0" * 16)
    lines = [line for script in scripts for line in script.splitlines()]
    assert [line for line in lines if line.startswith("places=")] == ["places=(/data)"]
    searched = [line for line in lines if line.startswith("points=")]
    assert searched == ["points=(/data /theirs)"] * 2
