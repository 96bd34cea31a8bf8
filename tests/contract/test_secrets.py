"""A run's private keys: the same on every machine, never on S3, deleted with the run."""

import json
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from notebake.aws.clients import connect
from notebake.commands.user_data import user_data
from notebake.errors import CloudError, RunStoreError
from notebake.runs import keys, secret_store
from notebake.runs.files import get_file
from notebake.runs.open_store import open_store
from notebake.runs.registry import new_run
from notebake.runs.run import Run
from tests.cloud_world import RECIPE, REGION, CloudWorld, LostAnswer, RefusedCall
from tests.store_world import LOCATION, forget_process, world_with_bucket


@pytest.fixture
def world(tmp_path: Path) -> Iterator[CloudWorld]:
    with world_with_bucket(tmp_path) as opened:
        yield opened


@pytest.fixture(params=["directory", "S3"])
def run(request: pytest.FixtureRequest, world: CloudWorld) -> Run:
    return run_on_s3() if request.param == "S3" else world.new_run()


@pytest.fixture
def remote(world: CloudWorld) -> Run:
    del world
    return run_on_s3()


def run_on_s3() -> Run:
    recipe = RECIPE.model_copy(update={"tags": {"Owner": "ada", "Note": "a, b; c"}})
    return new_run(recipe, "ocean.yaml", open_store(LOCATION))


def move_to(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Go on as a fresh process with an empty home."""
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    forget_process()


def test_the_first_secret_kept_is_the_secret(run: Run) -> None:
    assert secret_store.read_secret(run, "builder") is None
    assert secret_store.record_secret(run, "builder", "first") == "first"
    assert secret_store.record_secret(run, "builder", "second") == "first"
    assert secret_store.read_secret(run, "builder") == "first"


def test_concurrent_callers_get_the_same_key(run: Run) -> None:
    found: list[keys.Keys] = []
    start = threading.Barrier(6)

    def make() -> None:
        start.wait()
        found.append(keys.keys_of(run, "builder"))

    threads = [threading.Thread(target=make) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == 1


def test_a_private_key_is_a_private_file_of_this_machine(run: Run) -> None:
    path = Path(keys.private_key_path(run, "builder"))
    assert path.read_text() == keys.keys_of(run, "builder").private
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert keys.private_key_path(run, "builder") == str(path)
    public = get_file(run, "keys/builder.pub")
    assert public is not None
    assert public.decode().strip() == keys.keys_of(run, "builder").public


def test_the_key_is_the_same_from_an_empty_home(
    remote: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Path(keys.private_key_path(remote, "builder"))
    move_to(tmp_path / "elsewhere", monkeypatch)
    second = Path(keys.private_key_path(remote, "builder"))
    assert second.is_relative_to(tmp_path / "elsewhere")
    assert second.read_text() == first.read_text()


def test_a_copy_of_an_earlier_key_is_replaced(
    remote: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Path(keys.private_key_path(remote, "builder"))
    with monkeypatch.context() as elsewhere:
        move_to(tmp_path / "elsewhere", elsewhere)
        secret_store.delete_secrets(remote)
        anew = keys.keys_of(remote, "builder").private
    assert here.read_text() != anew
    assert Path(keys.private_key_path(remote, "builder")).read_text() == anew


def test_no_private_key_is_stored_on_s3(remote: Run) -> None:
    keys.private_key_path(remote, "builder")
    store = open_store(remote.store)
    kept = store.read_all(store.list(""))
    assert len(kept) > 2
    assert not [record for record in kept if b"PRIVATE" in record.content]


def test_a_key_on_aws_is_encrypted_and_tagged_with_run_and_expiry(remote: Run) -> None:
    keys.keys_of(remote, "builder")
    ssm, name = connect("ssm", REGION), f"/notebake/{remote.id}/builder"
    described = ssm.describe_parameters(Filters=[{"Key": "Name", "Values": [name]}])["Parameters"]
    assert [(parameter["Type"], parameter["Tier"]) for parameter in described] == [
        ("SecureString", "Standard")
    ]
    listed = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"]
    tags = {tag["Key"]: tag["Value"] for tag in listed}
    assert tags["notebake:run"] == remote.id
    assert tags["notebake:expires"]
    assert tags["Owner"] == "ada"
    assert "Note" not in tags, "what Systems Manager would refuse is left out"


def test_a_key_with_a_lost_answer_is_not_created_twice(world: CloudWorld, remote: Run) -> None:
    with world.intercepting(LostAnswer("PutParameter", 1)) as loses:
        pair = keys.keys_of(remote, "builder")
    assert loses.fired == 1
    assert secret_store.read_secret(remote, "builder") == pair.private


def test_deleted_secrets_are_gone_and_deletion_is_repeatable(
    world: CloudWorld, remote: Run
) -> None:
    other = run_on_s3()
    kept = Path(keys.private_key_path(other, "builder"))
    paths = [Path(keys.private_key_path(remote, f"key-{number}")) for number in range(12)]
    for _ in range(2):
        secret_store.delete_secrets(remote)
    assert secret_store.read_secret(remote, "key-3") is None
    assert not paths[0].parent.exists()
    assert len(world.sandbox.calls("DeleteParameters")) == 2, "ten at once, and once only"
    assert kept.exists()
    assert secret_store.read_secret(other, "builder")


def test_a_key_unknown_to_its_creator_is_deleted_too(world: CloudWorld, remote: Run) -> None:
    with world.intercepting(LostAnswer("PutParameter", 5)) as loses, pytest.raises(CloudError):
        keys.keys_of(remote, "builder")
    assert loses.fired == 5
    assert secret_store.read_secret(remote, "builder"), "it is there, and nobody was told"
    secret_store.delete_secrets(remote)
    assert secret_store.read_secret(remote, "builder") is None


def test_without_permission_to_store_a_key_the_message_names_it(
    world: CloudWorld, remote: Run
) -> None:
    refuses = RefusedCall("PutParameter", "AccessDeniedException", status=400)
    with (
        world.intercepting(refuses),
        pytest.raises(CloudError, match=f"/notebake/{remote.id}/builder"),
    ):
        keys.keys_of(remote, "builder")
    assert refuses.fired


def test_a_placeholder_is_filled_with_identical_bytes_each_time(run: Run) -> None:
    pair = keys.keys_of(run, "builder-host")
    text = user_data(
        lease_hours=1,
        host_key_private=secret_store.placeholder("builder-host"),
        host_key_public=pair.public,
    )
    kept = {"ImageId": "ami-1", "UserData": text}
    filled = secret_store.fill_secrets(run, kept)
    assert "PRIVATE" not in text
    assert filled == secret_store.fill_secrets(run, kept)
    assert filled["UserData"] == user_data(
        lease_hours=1, host_key_private=pair.private, host_key_public=pair.public
    )
    document = json.loads(filled["UserData"].removeprefix("#cloud-config"))
    assert document["ssh_keys"]["ed25519_private"] == pair.private
    assert secret_store.fill_secrets(run, {"ImageId": "ami-1"}) == {"ImageId": "ami-1"}


def test_a_missing_secret_is_not_sent_as_its_placeholder(run: Run) -> None:
    with pytest.raises(RunStoreError, match="has no secret builder-host"):
        secret_store.fill_secrets(run, {"UserData": secret_store.placeholder("builder-host")})
