"""The lines by which a person logs in to a machine of a run."""

from shlex import quote

from notebake.explanation.run_facts import RunFacts
from notebake.ssh import login

USUAL_PORT = 22


def address_line(instance_id: str, region: str, address: str) -> str:
    """Return the question for a machine's address of today, kept in a variable of the shell."""
    which = "Public" if address == "public" else "Private"
    return (
        f"address=$(aws ec2 describe-instances --region {region} \\\n"
        f"    --instance-ids {instance_id} --output text \\\n"
        f"    --query 'Reservations[0].Instances[0].{which}IpAddress')"
    )


def login_line(facts: RunFacts, instance_id: str, role: str = "builder") -> str:
    """Return how somebody asks for the address of a machine, and logs in."""
    asking = address_line(instance_id, facts.recipe.region, facts.recipe.network.address)
    return (
        f'{asking}\nssh{port_option()} -i {quote(facts.key(role))} \\\n    {facts.user}@"$address"'
    )


def tunnel_line(facts: RunFacts, near_port: int, far_port: int) -> str:
    """Return the tunnel of the tutorial: a port of this computer leads to one of the machine."""
    return (
        f"ssh -N -f{port_option()} \\\n    -i {quote(facts.key())} \\\n"
        f"    -L localhost:{near_port}:localhost:{far_port} {facts.user}@{facts.address}"
    )


def known_login_line(facts: RunFacts) -> str:
    """Return how somebody logs in at the address that was recorded."""
    return f"ssh{port_option()} -i {quote(facts.key())} \\\n    {facts.user}@{facts.address}"


def port_option() -> str:
    """Return the option of ssh for another port than the usual one; "" for that."""
    return "" if login.SSH_PORT == USUAL_PORT else f" -p {login.SSH_PORT}"
