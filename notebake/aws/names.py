"""The names that a run gives to AWS resources, where AWS requires unique names."""

import hashlib

SCHEDULE_PREFIX = "notebake-"
SERVER_SCHEDULE_PREFIX = "notebake-server-"
PARAMETER_PREFIX = "/notebake/"
ROLES = ("builder", "acceptance")
"""The roles of a run's machines and key pairs."""


def name_of_key_pair(run_id: str, role: str) -> str:
    """Return the name of a run's key pair for a role; unique in its region."""
    return f"notebake {run_id} {role}"


def name_of_group(run_id: str) -> str:
    """Return the name of a run's security group; unique in its VPC."""
    return f"notebake {run_id}"


def name_of_image(run_id: str) -> str:
    """Return the name of a run's image; unique in its account and region."""
    return f"notebake {run_id}"


def name_of_copy(run_id: str, source_id: str, key_id: str = "") -> str:
    """Return the name of a copy of a run's image: one for each key that encrypts it."""
    digest = f" {hashlib.sha256(key_id.encode()).hexdigest()[:8]}" if key_id else ""
    return f"{name_of_image(run_id)} copy of {source_id}{digest}"


def name_of_schedule(run_id: str, instance_id: str) -> str:
    """Return the name of the schedule that ends an instance: 41 characters, 64 are allowed."""
    digest = hashlib.sha256(run_id.encode()).hexdigest()[:12]
    return f"{SCHEDULE_PREFIX}{digest}-{instance_id}"


def name_of_server_schedule(owner: str, name: str, kind: str) -> str:
    """Return the name of a schedule that stops a server: at most 63 characters, 64 are allowed.

    The digest keeps owners apart.
    """
    digest = hashlib.sha256(f"{owner}\n{name}".encode()).hexdigest()[:8]
    return f"{SERVER_SCHEDULE_PREFIX}{name}-{digest}-{kind}"
