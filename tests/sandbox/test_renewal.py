"""Leases renewed on real machines of both roles, with nothing but what the run itself knows."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from notebake.aws import instances, networks
from notebake.aws.clients import connect
from notebake.aws.names import name_of_key_pair
from notebake.commands import lease_timer, user_data
from notebake.machines import renewal
from notebake.machines.builder import as_host
from notebake.machines.identity import wait_for_host_key
from notebake.machines.launch import launch, resolve_base_image
from notebake.machines.ssh_access import ensure_group, ensure_key_pair
from notebake.recipe import Network, Recipe
from notebake.runs import keys
from notebake.runs.open_store import open_store
from notebake.runs.registry import new_run
from notebake.runs.run import Run
from notebake.ssh import remote as ssh
from notebake.ssh.host import Host
from tasks import launch_instance
from tests.sandbox.bake_world import cloud_opened, wait_for

pytestmark = pytest.mark.sandbox
RECIPE = Recipe(
    name="ocean", instance_types=("t3.micro",), network=Network(ssh_from=("0.0.0.0/0",))
)


@dataclass(frozen=True)
class Machines:
    """A builder, and a machine as acceptance starts them: its host key is its own."""

    run: Run
    builder: Host
    acceptance: Host


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    folder = tmp_path_factory.mktemp("renewal")
    with cloud_opened(folder / "home") as cloud, pytest.MonkeyPatch.context() as patch:
        for name, value in cloud.environment.items():
            patch.setenv(name, value)
        connect.cache_clear()
        try:
            yield start(folder)
        finally:
            connect.cache_clear()


def start(folder: Path) -> Machines:
    """Launch both, as the steps of a build do, and wait for their ssh."""
    run = new_run(RECIPE, "ocean.yaml", open_store(str(folder / "runs")))
    networks.allow_ssh(ensure_group(run), RECIPE.network.ssh_from, RECIPE.region)
    for role in ("builder", "acceptance"):
        ensure_key_pair(run, role)
    builder = launch_instance.make(run)
    other = launch(
        run,
        role="acceptance",
        number=1,
        instance_types=RECIPE.instance_types,
        image_id=resolve_base_image(run)["ImageId"],
        key_name=name_of_key_pair(run.id, "acceptance"),
        user_data=user_data.user_data(lease_hours=RECIPE.lease_hours),
        disks=[],
        marks={},
    )
    host_keys = {
        builder.id: keys.keys_of(run, "builder-host").public,
        other.id: wait_for_host_key(other.id, RECIPE.region),
    }
    hosts = []
    for machine, role in ((builder, "builder"), (other, "acceptance")):
        running = instances.wait_for_state(machine.id, RECIPE.region, "running")
        host = as_host(run, running, key_name=role, host_key=host_keys[machine.id])
        wait_for(partial(ssh.is_reachable, host), f"ssh to the {role}")
        hosts.append(host)
    return Machines(run, *hosts)


def test_the_lease_timers_of_both_roles_are_renewed(machines: Machines) -> None:
    both = (machines.builder, machines.acceptance)
    for host in both:
        assert "left" not in ssh.run_command(host, lease_timer.lease_is_armed())

    assert renewal.renew(machines.run)

    for host in both:
        left = ssh.run_command(host, lease_timer.lease_is_armed())
        assert left.strip() in {"359 minutes left", "360 minutes left"}
