"""Datasets as they really come: from a second host's sshd, from S3, and from a web server."""

import hashlib
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

import pytest

from notebake.aws.clients import connect
from notebake.commands.copy_on_write import run_copy_on_write
from notebake.commands.datasets import (
    dataset_is_in_place,
    fetch_dataset,
    prepare_staging,
    receive_dataset,
    staging_path,
)
from notebake.commands.shell import script
from notebake.errors import HostCommandError, PreflightError
from notebake.machines.dataset_relay import relay_dataset
from notebake.recipe import Dataset
from notebake.ssh import connection
from notebake.ssh import remote as ssh
from notebake.ssh.detached import run_detached
from notebake.ssh.host import Host
from tests.cloud_world import REGION, cloud_world
from tests.limits import HANG_SECONDS
from tests.sandbox.conftest import files_served
from tests.sandbox.one_host import as_root_of, one_host_opened
from tests.sandbox.test_hosts import BY_ID, Cloud

pytestmark = pytest.mark.sandbox

LARGE = 20 * 2**20
# Names that break what is not quoted, links, a folder with nothing in it, many small files.
MAKE_FOLDER = r"""
mkdir -p '/srv/my data/[x] "q"' '/srv/my data/empty/deep' '/srv/my data/many' /srv/elsewhere
cd '/srv/my data'
echo one > '[x] "q"/a*'; echo two > $'caf\xe9'; echo three > $'two\nlines'
printf four > 'back\slash'
echo five > /srv/elsewhere/file; ln -s /srv/elsewhere folder-link; ln -s large file-link
for number in $(seq 600); do echo $number > many/$number; done
head -c 40M /dev/urandom > large
"""
LIST_FILES = "find -L . -type f -print0 | sort --zero-terminated | xargs -0 sha256sum | sha256sum"
LIST_FOLDERS = "find -L . -type d -print0 | sort --zero-terminated | sha256sum"
RELAY = """
import sys
from pathlib import Path
from notebake.machines.dataset_relay import relay_dataset
from notebake.recipe import Dataset
from notebake.ssh.host import Host
relay_dataset(Host.model_validate_json(sys.argv[1]), Dataset.model_validate_json(sys.argv[2]), "x")
"""


@dataclass
class Both:
    """The host that gets the datasets, as its login user, and the one that has some."""

    cloud: Cloud
    target: Host
    source: str

    def dataset(self, source: str, path: str, content: bytes | None = None) -> Dataset:
        digest = hashlib.sha256(content).hexdigest() if content is not None else None
        wanted = Dataset(name="ocean", source="https://example.org/x", path=path, sha256=digest)
        return wanted.model_copy(update={"source": source})

    def bring(self, dataset: Dataset) -> str:
        """Do what the step does, and return what the host printed."""
        if dataset.source.startswith("http"):
            text = fetch_dataset(dataset, user="ubuntu")
        else:
            staging = prepare_staging(dataset, user="ubuntu")
            ssh.run_command(self.target, f"sudo bash -c {quote(staging)}")
            relay_dataset(self.target, dataset, REGION)
            text = receive_dataset(dataset, user="ubuntu")
        printed = run_detached(self.target, "dataset", text, timeout_seconds=HANG_SECONDS)
        assert ssh.succeeds(self.target, dataset_is_in_place(dataset))
        return printed

    def forget(self, dataset: Dataset) -> None:
        self.cloud.ssh("i-1", f"rm -rf /var/lib/notebake/datasets {quote(dataset.path)}")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folder = tmp_path_factory.mktemp("datasets")
    with one_host_opened(folder) as cloud, pytest.MonkeyPatch.context() as patch:
        cloud.create("i-2")
        cloud.machines.create_volume("vol-0aa", 1)
        cloud.machines.attach_volume("i-1", "vol-0aa", "/dev/sdf")
        cloud.boot("i-2")
        login = "install -d -o ubuntu -g ubuntu -m 700 /home/ubuntu/.ssh; cd /home/ubuntu/.ssh;"
        cloud.ssh("i-1", f"{login} install -o ubuntu /root/.ssh/authorized_keys .")
        cloud.ssh("i-2", MAKE_FOLDER)
        address = cloud.machines.reserve_address("i-2")
        let_sftp_in(folder, cloud, address, patch)
        target = as_root_of(cloud).model_copy(update={"user": "ubuntu"})
        yield Both(cloud, target, f"sftp://root@{address}")
        connection.disconnect(target)


def let_sftp_in(folder: Path, cloud: Cloud, address: str, patch: pytest.MonkeyPatch) -> None:
    """Give the user's own sftp a key and that host's key, as ~/.ssh would."""
    public = cloud.home.machines_path / "i-2/upper/etc/ssh/ssh_host_ed25519_key.pub"
    known, program = folder / "known_hosts", folder / "bin" / "sftp"
    known.write_text(f"{address} {public.read_text()}")
    config = folder / "ssh_config"
    config.write_text(f"IdentityFile {cloud.key}\nUserKnownHostsFile {known}\n")
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shutil.which("sftp")} -F {config} "$@"\n')
    program.chmod(0o755)
    patch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


def test_a_folder_by_sftp_is_complete_after_an_interruption(
    both: Both, caplog: pytest.LogCaptureFixture
) -> None:
    wanted = both.dataset(f"{both.source}//srv/my%20data", "/srv/ocean")
    staging = prepare_staging(wanted, user="ubuntu")
    ssh.run_command(both.target, f"sudo bash -c {quote(staging)}")
    staged = staging_path(wanted)
    words = [both.target.model_dump_json(), wanted.model_dump_json()]
    process = subprocess.Popen([sys.executable, "-c", RELAY, *words])
    try:
        deadline = time.monotonic() + HANG_SECONDS
        sent = f"ls {staged}.sent 2>/dev/null | wc -l"
        while both.cloud.ssh("i-1", sent) == "0" and process.poll() is None:
            assert time.monotonic() < deadline
        assert process.poll() is None, "it was killed, and did not end by itself"
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait(HANG_SECONDS)

    with caplog.at_level(logging.INFO):
        printed = both.bring(wanted)

    assert "607 files" in printed
    for listing in (LIST_FILES, LIST_FOLDERS):
        there = both.cloud.ssh("i-2", f"cd '/srv/my data'; {listing}")
        assert both.cloud.ssh("i-1", f"cd /srv/ocean; {listing}") == there
    assert (
        both.cloud.ssh("i-1", "stat --format=%U /srv/ocean/many/7 /srv/ocean") == "ubuntu\nubuntu"
    )
    assert both.cloud.ssh("i-1", "ls -A /srv") == "ocean"


def test_a_file_by_sftp_is_verified_before_it_is_put_in_place(both: Both) -> None:
    both.cloud.ssh("i-2", "echo depth > /srv/table.csv")
    source = f"{both.source}//srv/table.csv"
    wrong = both.dataset(source, "/srv/table.csv", b"another")
    both.cloud.ssh("i-1", "rm -rf /var/lib/notebake/datasets")

    with pytest.raises(HostCommandError, match="the received file has the checksum"):
        both.bring(wrong)
    assert "table.csv" not in both.cloud.ssh("i-1", "ls -A /srv"), "nothing is left of it"

    both.bring(both.dataset(source, "/srv/table.csv", b"depth\n"))
    assert both.cloud.ssh("i-1", "cat /srv/table.csv") == "depth"


def test_an_unknown_ssh_server_names_the_command_to_type(both: Both) -> None:
    own = f"sftp://root@{both.target.address}/srv"

    with pytest.raises(PreflightError, match="Host key verification failed") as error:
        both.bring(both.dataset(own, "/srv/unknown"))
    assert f"Type this once, and compare the key that it shows: sftp {own[:-4]}" in str(error.value)


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A bucket in the sandbox's S3."""
    folder = tmp_path_factory.mktemp("cloud")
    with cloud_world(folder), pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "sandbox")
        s3 = connect("s3", REGION)
        place = {"LocationConstraint": REGION}
        s3.create_bucket(Bucket="ocean", CreateBucketConfiguration=place)
        s3.put_object(Bucket="ocean", Key="year/a b?#%20.nc", Body=b"a")
        s3.put_object(Bucket="ocean", Key="year/deep/", Body=b"")
        s3.put_object(Bucket="ocean", Key="year/deep/large.nc", Body=bytes(LARGE))
        s3.put_object(Bucket="ocean", Key="one.nc", Body=b"one")
        yield "s3://ocean"


def test_files_and_folders_come_from_s3(both: Both, bucket: str) -> None:
    folder = both.dataset(f"{bucket}/year/", "/srv/year")
    both.bring(folder)
    listed = both.cloud.ssh("i-1", "cd /srv/year; find . -type f -printf '%P %s\n' | sort")
    assert listed == f"a b?#%20.nc 1\ndeep/large.nc {LARGE}"

    both.forget(folder)
    with pytest.raises(HostCommandError, match="the received file has the checksum"):
        both.bring(both.dataset(f"{bucket}/one.nc", "/srv/one.nc", b"two"))
    both.bring(both.dataset(f"{bucket}/one.nc", "/srv/one.nc", b"one"))
    both.forget(both.dataset(f"{bucket}/one.nc", "/srv/one.nc"))
    with pytest.raises(PreflightError, match=f"There is nothing at {bucket}/none.nc"):
        both.bring(both.dataset(f"{bucket}/none.nc", "/srv/none.nc"))


def test_a_file_is_downloaded_by_http_and_a_refusal_is_reported(both: Both, tmp_path: Path) -> None:
    content = os.urandom(LARGE // 4)
    (tmp_path / "sst map.nc").write_bytes(content)
    with files_served(both.cloud.home.gateway, tmp_path) as url:
        wanted = both.dataset(f"{url}/sst%20map.nc", "/srv/sst-map.nc", content)
        both.bring(wanted)
        assert both.cloud.ssh("i-1", "sha256sum '/srv/sst-map.nc'").startswith(str(wanted.sha256))

        both.forget(both.dataset(url, "/srv/sst-map.nc"))
        with pytest.raises(HostCommandError) as error:
            both.bring(both.dataset(f"{url}/none.nc", "/srv/none.nc", content))
    assert f"download from {url}/none.nc" in str(error.value)
    assert "returned error: 404" in str(error.value)


def test_a_view_of_a_folder_on_a_volume_is_an_overlay_on_that_volume(both: Both) -> None:
    disk = f"{BY_ID}vol0aa"
    both.cloud.ssh("i-1", f"mkfs.ext4 -q {disk}; mkdir -p /data; mount {disk} /data; mkdir /data/c")
    both.cloud.ssh("i-1", "echo as-cloned > /data/c/table")
    work = "cd /data/c; echo x > table; head -c 300M /dev/zero > large; stat -f -c %T .; df . -B1"
    text = script(run_copy_on_write("/data/c", f"bash -euc {quote(work)}"))

    printed = run_detached(both.target, "view", text, timeout_seconds=HANG_SECONDS)

    assert printed.startswith("overlayfs")
    assert both.cloud.ssh("i-1", "cat /data/c/table; ls -A /data") == "as-cloned\nc\nlost+found"
    assert both.cloud.ssh("i-1", "grep --count notebake-view /proc/mounts || true") == "0"
