"""The repository and the datasets, asked for where real servers and programs answer."""

from pathlib import Path

import pytest

from notebake.aws.clients import connect
from notebake.preflight import Verdict
from notebake.recipe import Dataset, Network, Repository
from notebake.records import Run
from tests.cloud_world import RECIPE, REGION, CloudWorld, Refuses
from tests.preflight_world import Says, http_server, s3_refusal, sentences

SHA256 = "0" * 64


def run_with(world: CloudWorld, source: str, **changes: object) -> Run:
    sha256 = SHA256 if source.startswith("http:") else None
    dataset = Dataset(name="profiles", source=source, path="/data/profiles", sha256=sha256)
    return world.new_run(RECIPE.model_copy(update={"datasets": (dataset,), **changes}))


@pytest.mark.parametrize(
    ("answers", "verdict", "said"),
    [
        ({"HEAD": 200}, Verdict.GOOD, "is there"),
        ({"HEAD": 302}, Verdict.GOOD, "is there"),
        ({"HEAD": 405, "GET": 206}, Verdict.GOOD, "is there"),
        ({"HEAD": 403, "GET": 403}, Verdict.WRONG, "answers 403"),
        ({"HEAD": 404}, Verdict.WRONG, "answers 404"),
        ({"HEAD": 503}, Verdict.NOT_CHECKED, "answers 503 at present"),
    ],
    ids=["there", "moved", "no HEAD", "forbidden", "missing", "busy"],
)
def test_a_dataset_by_http_is_asked_for_and_not_fetched(
    answers: dict[str, int], verdict: Verdict, said: str, world: CloudWorld
) -> None:
    with http_server({"/profiles": answers, "/there": {"HEAD": 200, "GET": 206}}) as url:
        found = sentences(run_with(world, f"{url}/profiles"), verdict, "datasets", "repository")

    assert f"/profiles {said}" in found


def test_a_source_without_an_answer_is_wrong_unless_the_machines_stand_elsewhere(
    world: CloudWorld,
) -> None:
    source = "http://127.0.0.1:9/profiles"
    private = Network(address="private", ssh_from=("198.51.100.7/32",))

    assert "gives no answer" in sentences(
        run_with(world, source), Verdict.WRONG, "datasets", "repository"
    )
    elsewhere = run_with(world, source, network=private)
    assert "gives no answer" in sentences(elsewhere, Verdict.NOT_CHECKED, "datasets", "repository")
    assert "gives no answer" not in sentences(elsewhere, Verdict.WRONG, "datasets", "repository")


def test_datasets_in_s3_are_looked_for_with_our_own_credentials(world: CloudWorld) -> None:
    s3 = connect("s3", REGION)
    place = {"LocationConstraint": REGION}
    s3.create_bucket(Bucket="ocean-data", CreateBucketConfiguration=place)
    s3.put_object(Bucket="ocean-data", Key="folder/profiles.nc", Body=b"data")
    s3.put_object(Bucket="ocean-data", Key="empty/", Body=b"")

    for there in ("folder/profiles.nc", "folder/"):
        source = f"s3://ocean-data/{there}"
        assert f"{source} is there" in sentences(
            run_with(world, source), Verdict.GOOD, "datasets", "repository"
        )
    for missing in ("folder/none.nc", "none/", "empty/"):
        source = f"s3://ocean-data/{missing}"
        assert f"nothing for dataset profiles at {source}" in sentences(
            run_with(world, source), Verdict.WRONG
        )


@pytest.mark.parametrize(
    ("code", "status", "verdict"),
    [
        ("AccessDenied", 403, Verdict.WRONG),
        ("SlowDown", 503, Verdict.NOT_CHECKED),
    ],
)
def test_what_s3_refuses_is_wrong_and_what_it_puts_off_is_not_checked(
    code: str, status: int, verdict: Verdict, world: CloudWorld
) -> None:
    refuses = Says("GET /ocean-data", lambda _: s3_refusal(code), status)
    with world.meeting(refuses):
        said = sentences(
            run_with(world, "s3://ocean-data/folder/"), verdict, "datasets", "repository"
        )

    assert refuses.fired
    assert "ocean-data/folder/" in said


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


def test_a_dataset_by_sftp_is_listed_by_the_user_s_own_program(
    world: CloudWorld, programs: Path
) -> None:
    install(programs, "sftp", f'echo "$@" > {programs}/asked; cat >> {programs}/asked')
    run = run_with(world, "sftp://reader@data.example.org/export/my%20profiles")

    assert "profiles is there" in sentences(run, Verdict.GOOD, "datasets", "repository")
    asked = (programs / "asked").read_text()
    assert "BatchMode=yes" in asked
    assert "sftp://reader@data.example.org\n" in asked
    assert 'ls -1 "export/my profiles"' in asked


def test_what_sftp_refuses_is_wrong_with_what_it_said(world: CloudWorld, programs: Path) -> None:
    install(programs, "sftp", "echo 'Permission denied (publickey).' >&2; exit 255")

    said = sentences(
        run_with(world, "sftp://reader@data.example.org/export"),
        Verdict.WRONG,
        "datasets",
        "repository",
    )

    assert "Permission denied (publickey)" in said
    assert "Try: sftp sftp://reader@data.example.org/export" in said


def test_an_sftp_that_does_not_end_is_not_checked(
    world: CloudWorld, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(programs, "sftp", "exec sleep 60")
    monkeypatch.setattr("notebake.preflight.datasets.SFTP_SECONDS", 0.2)

    said = sentences(
        run_with(world, "sftp://reader@data.example.org/export"),
        Verdict.NOT_CHECKED,
        "datasets",
        "repository",
    )

    assert "timed out" in said


COMMIT = "95f5ce912b9cafb4d8c7ee71b4b2341e852af8df"


@pytest.mark.parametrize(
    ("ref", "verdict", "said"),
    [
        ("main", Verdict.GOOD, "has main"),
        (COMMIT[:10], Verdict.GOOD, "has the commit 95f5"),
        ("abcdef0123", Verdict.NOT_CHECKED, "whether it has commit abcdef0123"),
        ("none", Verdict.WRONG, "no branch or tag none"),
    ],
)
def test_a_repository_is_asked_for_its_references(
    ref: str, verdict: Verdict, said: str, world: CloudWorld, programs: Path
) -> None:
    install(programs, "git", f"printf '{COMMIT}\\trefs/heads/main\\n'")
    repository = Repository(url="https://git.example.org/ocean", ref=ref)
    run = world.new_run(RECIPE.model_copy(update={"repository": repository}))

    assert said in sentences(run, verdict, "datasets", "repository")


def test_a_repository_that_gives_no_answer_is_wrong_and_one_without_git_too(
    world: CloudWorld, programs: Path
) -> None:
    repository = Repository(url="https://git.example.org/ocean", ref="main")
    run = world.new_run(RECIPE.model_copy(update={"repository": repository}))
    install(programs, "git", "echo 'fatal: could not resolve host' >&2; exit 128")

    assert "could not resolve host" in sentences(run, Verdict.WRONG, "datasets", "repository")


def test_a_refusal_elsewhere_does_not_hide_what_else_is_wrong(world: CloudWorld) -> None:
    with world.meeting(Refuses("DescribeInstanceTypes", "UnauthorizedOperation", status=403)):
        said = sentences(
            run_with(world, "http://127.0.0.1:9/profiles"), Verdict.WRONG, "datasets", "repository"
        )

    assert "gives no answer" in said
