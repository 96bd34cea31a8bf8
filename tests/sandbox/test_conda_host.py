"""conda's way on a real host: rattler comes by hash from the index of Python packages, and installs
from a channel that is served to the host, which its own conda settings name."""

import json
from collections.abc import Iterator

import pytest

from notebake.commands.detached import start_work, work_is_running
from notebake.commands.software import install_software, software_is_installed
from notebake.errors import HostCommandError
from notebake.recipe import Software
from notebake.ssh import connection, file_transfer
from notebake.ssh import remote as ssh
from notebake.ssh.detached import run_detached
from notebake.ssh.host import Host
from tests.conda_channel import whole_channel
from tests.limits import HANG_SECONDS
from tests.sandbox.bake_world import wait_for
from tests.sandbox.conftest import files_served
from tests.sandbox.one_host import as_root_of, one_host_opened

pytestmark = pytest.mark.sandbox
ENVIRONMENT = """\
channels: [defaults]
dependencies:
  - libb
  - pip:
      - six==1.16.0
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Give a host whose conda-forge is the tests' channel, by a file of its base image."""
    folder = tmp_path_factory.mktemp("conda")
    whole_channel(folder / "served/conda-forge", "/usr/bin/python3")
    with (
        one_host_opened(folder) as cloud,
        files_served(cloud.home.gateway, folder / "served") as address,
    ):
        settings = cloud.home.machines_path / "i-1/upper/etc/conda/.condarc"
        cloud.ssh("i-1", f"mkdir /etc/conda; echo channel_alias: {address} > /etc/conda/.condarc")
        assert settings.exists()
        host = as_root_of(cloud)
        yield host
        connection.disconnect(host)


def script(text: str, digest: str) -> str:
    return install_software(
        Software(manager="conda", requirements=text), user="root", digest=digest
    )


def test_an_interrupted_installation_is_completed_and_a_changed_list_is_applied(host: Host) -> None:
    work = script(ENVIRONMENT, "aaaa")
    file_transfer.put_file(host, "/dev/shm/notebake-conda-1", work.encode())  # noqa: S108
    ssh.run_command(host, start_work("conda-1", 600, request_id="0"))
    begun = "ls /opt/notebake/python/conda-meta/python-*.json"
    wait_for(lambda: ssh.succeeds(host, begun), "half an environment", HANG_SECONDS)
    ssh.run_command(host, "systemctl kill --signal=KILL notebake-conda-1 || true")
    wait_for(lambda: not ssh.succeeds(host, work_is_running("conda-1")), "the end", HANG_SECONDS)

    printed = run_detached(host, "conda-2", work, timeout_seconds=HANG_SECONDS)

    assert "conda: solving the environment" in printed
    assert ssh.succeeds(host, software_is_installed("aaaa", manager="conda"))
    python = "/opt/notebake/python/bin/python"
    modules = "import liba, libb, six; print(liba.__version__, six.__version__)"
    assert ssh.run_command(host, f"{python} -c '{modules}'").strip() == "1.0 1.16.0"
    conda = ssh.run_command(host, "bash -lc 'conda; printenv LIBB_DATA'").split("\n")
    assert conda[:2] == ["conda of /opt/notebake/conda", "/opt/notebake/python/share/libb"]
    lock = ssh.run_command(host, "cat /var/lib/notebake/locks/environment.yml")
    assert "  - libb=1.0=0\n" in lock
    assert lock.endswith("  - pip:\n    - six==1.16.0\n")
    kernel = ssh.run_command(
        host, "cat /opt/notebake/python/share/jupyter/kernels/python3/kernel.json"
    )
    assert json.loads(kernel)["env"]["LIBB_DATA"] == "/opt/notebake/python/share/libb"
    assert not ssh.succeeds(host, "ls /opt/notebake/rattler /opt/notebake/asked/conda | grep .")

    run_detached(host, "conda-3", script("dependencies: [liba]\n", "bbbb"), timeout_seconds=600)

    assert ssh.succeeds(host, software_is_installed("bbbb", manager="conda"))
    assert not ssh.succeeds(host, f"{python} -c 'import six'")
    assert ssh.run_command(host, f"{python} -c 'import liba; print(liba.__version__)'") == "2.0\n"


def test_a_conflict_is_reported_readably(host: Host) -> None:
    work = script("dependencies: [libb, needsnew]\n", "cccc")

    with pytest.raises(HostCommandError) as raised:
        run_detached(host, "conda-4", work, timeout_seconds=HANG_SECONDS)

    assert "liba >=2" in str(raised.value)
    assert "liba <2" in str(raised.value)
    assert "Traceback" not in str(raised.value)
    assert not ssh.succeeds(host, software_is_installed("cccc", manager="conda"))
