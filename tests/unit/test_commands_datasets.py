import getpass
import hashlib
from pathlib import Path

import pytest

from notebake.commands.datasets import (
    dataset_is_in_place,
    fetch_dataset,
    prepare_staging,
    print_missing,
    receive_dataset,
    staging_path,
)
from notebake.recipe import Dataset
from tests.unit.shell_world import NASTY, ShellWorld, installed_folders, shell_world

CONTENT = b"time,chlorophyll\n" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
SERVE = """
resumes=
while [ $# -gt 0 ]; do
    case $1 in --output) to=$2 ;; --continue-at) resumes=yes ;; esac
    shift
done
[ -z "$resumes" ] || from=$(stat --format=%s "$to")
[ "${RESUME_FAILS:-}" = "" ] || [ "${from+set}" = "" ] || exit 33
tail --bytes=+$((${from:-0} + 1)) "$served" | head --bytes="${CUT_AT:-1000000}" >> "$to"
[ -z "${CUT_AT:-}" ] || exit 18
"""


class Fetching:
    """A dataset, the host that wants it, and a fake curl that serves a file."""

    def __init__(self, world: ShellWorld) -> None:
        self.world = world
        self.place = world.directory / f"below {NASTY}".replace("/", "_") / "file.csv"
        served = world.directory / "served"
        served.write_bytes(CONTENT)
        world.environment["served"] = str(served)
        world.fake("curl", SERVE)
        # The way out is looked at by Python; see test_commands_outside.py.
        world.fake("python3", "exit ${NO_WAY_OUT:-0}")
        self.options = {"user": getpass.getuser(), "records": str(world.directory / "records")}

    def dataset(self, **more: str) -> Dataset:
        wanted = {"name": "ocean", "source": "https://example.org/file.csv", "path": "/data/x"}
        return Dataset.model_validate(wanted | more).model_copy(update={"path": str(self.place)})

    def fetch(self, dataset: Dataset) -> tuple[int, str]:
        done = self.world.run(fetch_dataset(dataset, **self.options))
        return done.returncode, done.stdout + done.stderr

    def receive(self, dataset: Dataset) -> tuple[int, str]:
        done = self.world.run(receive_dataset(dataset, **self.options))
        return done.returncode, done.stdout + done.stderr

    def has(self, dataset: Dataset) -> bool:
        probe = dataset_is_in_place(dataset, records=self.options["records"])
        return self.world.run(probe).returncode == 0


@pytest.fixture
def fetching(tmp_path: Path) -> Fetching:
    return Fetching(shell_world(tmp_path))


@pytest.mark.parametrize("checksum", [{"sha256": SHA256}, {}])
def test_a_file_is_downloaded_verified_and_recognised_later(
    fetching: Fetching, checksum: dict[str, str]
) -> None:
    wanted = fetching.dataset(**checksum)
    assert not fetching.has(wanted)
    code, printed = fetching.fetch(wanted)
    assert code == 0, printed
    assert fetching.place.read_bytes() == CONTENT
    assert [entry.name for entry in fetching.place.parent.iterdir()] == ["file.csv"]
    assert fetching.has(wanted)
    assert not fetching.has(fetching.dataset(sha256="0" * 64))
    fetching.place.write_bytes(CONTENT[:-1])
    assert not fetching.has(wanted)
    assert fetching.fetch(wanted)[0] == 0
    assert fetching.has(wanted)


def test_one_command_names_all_datasets_that_are_missing(fetching: Fetching) -> None:
    there, other = fetching.dataset(sha256=SHA256), fetching.dataset(name="other")
    assert fetching.fetch(there)[0] == 0

    asked = fetching.world.run(
        print_missing([other, there, fetching.dataset()], records=fetching.options["records"])
    )

    assert asked.stdout.splitlines() == ["other", "ocean"]
    assert fetching.world.run(print_missing([])).stdout == ""


def test_a_dataset_is_on_the_disk_before_it_has_its_name(fetching: Fetching) -> None:
    fetching.world.fake("sync", """
        if [ -e "$place" ]; then echo "named before: $*" >&2; exit 1; fi
        [ "$1" != --file-system ] || cmp --quiet "$served" "$2" || exit 1
    """)  # fmt: skip
    fetching.world.environment["place"] = str(fetching.place)

    code, printed = fetching.fetch(fetching.dataset())

    assert code == 0, printed
    synced = [call for call in fetching.world.calls if call.startswith("sync --file-system")]
    assert len(synced) == 1


def test_an_interrupted_download_is_resumed(fetching: Fetching) -> None:
    wanted = fetching.dataset(sha256=SHA256)
    fetching.world.environment["CUT_AT"] = "5000"
    assert fetching.fetch(wanted)[0] != 0
    assert not fetching.place.exists()
    del fetching.world.environment["CUT_AT"]
    code, printed = fetching.fetch(wanted)
    assert code == 0, printed
    assert "--continue-at" in [call for call in fetching.world.calls if "curl" in call][-1]
    assert fetching.place.read_bytes() == CONTENT


def test_a_download_restarts_if_the_server_cannot_resume(fetching: Fetching) -> None:
    wanted = fetching.dataset(sha256=SHA256)
    Path(staging_path(wanted)).parent.mkdir(parents=True)
    Path(staging_path(wanted)).write_bytes(CONTENT[:5000])
    fetching.world.environment["RESUME_FAILS"] = "1"
    assert fetching.fetch(wanted)[0] == 0
    assert len([call for call in fetching.world.calls if call.startswith("curl")]) == 2


def test_a_download_without_a_checksum_is_not_resumed(fetching: Fetching) -> None:
    wanted = fetching.dataset()
    Path(staging_path(wanted)).parent.mkdir(parents=True)
    Path(staging_path(wanted)).write_bytes(b"of another version")
    assert fetching.fetch(wanted)[0] == 0
    assert fetching.place.read_bytes() == CONTENT


def test_content_with_a_wrong_checksum_is_not_put_in_place(fetching: Fetching) -> None:
    wanted = fetching.dataset(sha256="0" * 64)
    code, printed = fetching.fetch(wanted)
    assert code != 0
    assert f"has the checksum {SHA256}, not {'0' * 64}" in printed
    assert not fetching.place.exists()
    assert not fetching.has(wanted)


def test_a_foreign_file_is_not_overwritten(fetching: Fetching) -> None:
    fetching.place.parent.mkdir()
    fetching.place.write_text("mine")
    code, printed = fetching.fetch(fetching.dataset())
    assert (code, "it is left as it is" in printed) == (1, True)
    assert fetching.place.read_text() == "mine"
    fetching.place.write_bytes(CONTENT)
    assert fetching.fetch(fetching.dataset(sha256=SHA256))[0] == 0


@pytest.mark.parametrize("rename", [1, 2])
def test_a_kill_at_either_rename_is_recovered(fetching: Fetching, rename: int) -> None:
    wanted = fetching.dataset()
    count = fetching.world.directory / "count"
    fake = fetching.world.fake(
        "mv",
        f'echo >> {count}; [ "$(wc -l < {count})" -lt {rename} ] ||'
        ' { kill -KILL $PPID; exit; }; exec /bin/mv "$@"',
    )
    assert fetching.fetch(wanted)[0] != 0
    assert len(count.read_text()) == rename, "the fault did not fire"
    assert not fetching.has(wanted)
    fake.unlink()
    code, printed = fetching.fetch(wanted)
    assert code == 0, printed
    assert fetching.has(wanted)


def test_an_uploaded_folder_replaces_the_earlier_one(fetching: Fetching) -> None:
    wanted = fetching.dataset(source="sftp://a@example.org/year")
    staged = Path(staging_path(wanted))
    for name in ("one", "two"):
        assert fetching.world.run(prepare_staging(wanted, **fetching.options)).returncode == 0
        staged.mkdir()
        (staged / name).write_text(name)
        sums = f"{hashlib.sha256(name.encode()).hexdigest()}  {name}\n"
        staged.with_name(f"{staged.name}.sha256").write_text(sums)
        code, printed = fetching.receive(wanted)
        assert code == 0, printed
        assert fetching.has(wanted)
        assert [entry.name for entry in fetching.place.iterdir()] == [name]
        assert [entry.name for entry in fetching.place.parent.iterdir()] == ["file.csv"]
        assert fetching.receive(wanted) == (0, "Dataset ocean: already there\n")


def test_a_damaged_folder_is_not_put_in_place(fetching: Fetching) -> None:
    wanted = fetching.dataset(source="sftp://a@example.org/year")
    staged = Path(staging_path(wanted))
    staged.mkdir(parents=True)
    (staged / "one").write_text("damaged")
    staged.with_name(f"{staged.name}.sha256").write_text(f"{SHA256}  one\n")
    code, printed = fetching.receive(wanted)
    assert (code, "does not match its checksum" in printed) == (1, True)
    assert not fetching.place.exists()


def test_a_missing_upload_is_not_put_in_place(fetching: Fetching) -> None:
    for checksum in ({"sha256": SHA256}, {}):
        wanted = fetching.dataset(source="s3://bucket/key", **checksum)
        assert fetching.receive(wanted)[0] != 0
        assert not fetching.place.exists()


def test_an_existing_dataset_is_not_downloaded_again(fetching: Fetching) -> None:
    wanted = fetching.dataset()
    fetching.fetch(wanted)
    code, printed = fetching.fetch(wanted)
    assert (code, printed) == (0, "Dataset ocean: already there\n")
    assert len([call for call in fetching.world.calls if call.startswith("curl")]) == 1


@pytest.mark.parametrize("source", ["s3://bucket/key", "sftp://a@b/c"])
def test_a_source_that_hosts_cannot_download_is_refused(fetching: Fetching, source: str) -> None:
    with pytest.raises(ValueError, match="single files by http only"):
        fetch_dataset(fetching.dataset(source=source), **fetching.options)


def test_an_unreachable_source_is_not_downloaded(fetching: Fetching) -> None:
    fetching.world.environment["NO_WAY_OUT"] = "1"

    code, _ = fetching.fetch(fetching.dataset())

    assert code == 1
    assert not [call for call in fetching.world.calls if call.startswith("curl")]


def test_each_folder_above_a_dataset_that_was_missing_belongs_to_the_user(
    fetching: Fetching, tmp_path: Path
) -> None:
    (tmp_path / "home").mkdir()
    fetching.place = tmp_path / "home" / "data" / "2026 autumn" / "sst.nc"
    given = installed_folders(fetching.world)
    assert fetching.fetch(fetching.dataset())[0] == 0
    folder = fetching.place.parent
    folders = [folder.parent, folder, folder / ".sst.nc.notebake-part"]
    assert given() == [f"{fetching.options['user']} {each}" for each in folders]
