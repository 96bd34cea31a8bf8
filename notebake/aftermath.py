"""What a failure leaves: what runs, what it costs, when it ends by itself, what to type."""

from notebake import keys
from notebake.aws import instances, tags
from notebake.cost import kept_machine_cost
from notebake.errors import NotebakeError
from notebake.records import Instance, Run


def aftermath(run: Run) -> str:
    """Return a paragraph for a person; "" where nothing was left, or nobody can tell."""
    try:
        found = [
            one for role in ("builder", "acceptance") for one in instances.find_instances(run, role)
        ]
    except NotebakeError as error:
        return f"What is running could not be asked: {error.message}"
    if not found:
        return ""
    lines = [about(run, one) for one in found]
    lines += [
        f"To go on:   notebake resume {run.id}",
        f"To remove:  notebake tear-down {run.id}",
    ]
    return "\n".join(lines)


def about(run: Run, instance: Instance) -> str:
    """Return what a kept machine is, costs, and how to log in to it."""
    cost = kept_machine_cost(run.recipe, instance.instance_type)
    price = f"about ${cost:.3f} an hour" if cost is not None else "at a price not known here"
    ends = instance.tags.get(tags.EXPIRES, "")
    key_name = "acceptance" if instance.tags.get(tags.ROLE) == "acceptance" else "builder"
    public = run.recipe.network.address == "public"
    address = instance.public_address if public else instance.private_address
    login = ""
    if instance.state == "running" and address:
        key = keys.private_key_path(run, key_name)
        login = f"\nTo log in:  ssh -i {key} {run.recipe.base_image.user}@{address}"
    return (
        f"{instance.id} ({instance.instance_type}) is {instance.state}, {price};"
        f" it ends by itself at {ends}.{login}"
    )
