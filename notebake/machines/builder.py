"""The builder as a host: where its address, its key and what has been done on it come together."""

from notebake.aws import instances
from notebake.aws.model import Instance
from notebake.errors import ResourceLostError, resume
from notebake.machines.console_host_key import parse_host_key
from notebake.resources import own_machines
from notebake.runs import keys
from notebake.runs.run import Run
from notebake.ssh.host import Host


def as_host(run: Run, instance: Instance, *, key_name: str, host_key: str) -> Host:
    """Return an instance as ssh sees it."""
    public = run.recipe.network.address == "public"
    return Host(
        instance_id=instance.id,
        address=(instance.public_address if public else instance.private_address) or "",
        user=run.recipe.base_image.user,
        private_key_path=keys.private_key_path(run, key_name),
        host_key=host_key,
    )


def builder_host(run: Run) -> Host:
    """Return the running builder as a host.

    Raises:
        ResourceLostError: there is none, or it is not running.
    """
    instance = own_machines.find_builder(run)
    if instance is None or instance.state != "running":
        state = f"{instance.state} ({instance.id})" if instance else "gone"
        raise ResourceLostError(f"The builder of run {run.id} is {state}.").with_next(
            resume(run.id)
        )
    return host_of(run, instance)


def host_of(run: Run, builder: Instance) -> Host:
    """Return the builder as ssh sees it; its host key is the one that we gave it."""
    host_key = keys.keys_of(run, "builder-host").public
    return as_host(run, builder, key_name="builder", host_key=host_key)


def host_key_of(run: Run, instance: Instance, role: str) -> str | None:
    """Return the host key that we gave to a builder, or that another machine has told by now."""
    if role == "builder":
        return keys.keys_of(run, "builder-host").public
    return parse_host_key(instances.read_console(instance.id, run.recipe.region))
