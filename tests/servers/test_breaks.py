"""A tab of JupyterLab through a tunnel that breaks in each way: it goes on, at the same port."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.breaks import BREAKS, Scene
from tests.servers.opened import OpenHolder, server_opened
from tests.servers.tab import Tab
from tests.servers.world import Machine
from tests.ssh.own_sshd import free_port

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module")
def opened(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenHolder]:
    folder = tmp_path_factory.mktemp("laptop")
    with server_opened(machine, folder, free_port(), seconds=0.5) as server:
        yield OpenHolder(machine, server)


@pytest.mark.parametrize("name", list(BREAKS))
def test_a_tab_goes_on_after_a_break(name: str, machine: Machine, opened: OpenHolder) -> None:
    server = opened.server
    ups, opens = server.count("LineUp"), server.count("opened")
    tab = Tab(server.port)
    tab.execute("kept = 6")

    BREAKS[name](Scene(machine, opened, dropped_seconds=4, frozen_seconds=4))

    if name == "JupyterLab restarted":
        tab.take_new_kernel()
        assert tab.execute("print(6 * 7)") == "42\n", "with the same cookie, without a token"
        tab.close()
        return
    if name == "killed and typed again":
        server.wait_for("opened", opens + 1)
    else:
        server.wait_for("LineUp", ups + 1)
    assert tab.execute("print(kept * 7)") == "42\n"
    assert tab.reconnections == 2, "it was away, and came back by itself"
    tab.close()


def test_work_without_an_answer_shows_the_loss_long_before_the_keepalive(
    machine: Machine, tmp_path: Path
) -> None:
    with server_opened(machine, tmp_path / "laptop", free_port(), seconds=3600) as server:
        tab = Tab(server.port)
        assert tab.execute("print(1)") == "1\n"
        machine.drop_packets()
        with pytest.raises(TimeoutError):
            tab.execute("print(2)", seconds=1)
        server.wait_for("LineLost")
        assert machine.pass_packets() > 0
        server.wait_for("LineUp", 2)
        assert tab.execute("print(3)") == "3\n"
        tab.close()
