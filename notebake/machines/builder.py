"""Instances as hosts: their addresses, their keys and their host keys."""

from notebake.aws import instances
from notebake.aws.model import Instance
from notebake.errors import ResourceLostError, resume
from notebake.machines.identity import parse_host_key
from notebake.resources import stack_instances
from notebake.runs import keys
from notebake.runs.run import Run
from notebake.ssh.host import Host


def as_host(run: Run, instance: Instance, *, key_name: str, host_key: str) -> Host:
    """Return an instance as a host."""
    return Host(
        instance_id=instance.id,
        address=ssh_address(run, instance),
        user=run.recipe.base_image.user,
        private_key_path=keys.private_key_path(run, key_name),
        host_key=host_key,
    )


def ssh_address(run: Run, instance: Instance) -> str:
    """Return the address at which the recipe reaches an instance; "" if it has none."""
    is_public = run.recipe.network.address == "public"
    return (instance.public_address if is_public else instance.private_address) or ""


def require_builder(run: Run) -> Instance:
    """Return the builder; raise ResourceLostError if it is gone."""
    if builder := stack_instances.find_builder(run):
        return builder
    raise ResourceLostError(f"The builder of run {run.id} is gone.").with_next(resume(run.id))


def builder_host(run: Run) -> Host:
    """Return the running builder as a host.

    Raises:
        ResourceLostError: it is gone, or not running.
    """
    builder = require_builder(run)
    if builder.state != "running":
        raise ResourceLostError(
            f"The builder of run {run.id} is {builder.state} ({builder.id})."
        ).with_next(resume(run.id))
    return builder_as_host(run, builder)


def builder_as_host(run: Run, builder: Instance) -> Host:
    """Return the builder as a host; its host key is the one from its user data."""
    host_key = keys.keys_of(run, "builder-host").public
    return as_host(run, builder, key_name="builder", host_key=host_key)


def host_key_of(run: Run, instance: Instance, role: str) -> str | None:
    """Return the host key from a builder's user data, or from another machine's console so far."""
    if role == "builder":
        return keys.keys_of(run, "builder-host").public
    return parse_host_key(instances.read_console(instance.id, run.recipe.region))
