"""The names that a run gives to what it makes, where AWS keeps names unique."""

import hashlib

SCHEDULE_PREFIX = "notebake-"
PARAMETER_PREFIX = "/notebake/"
ROLES = ("builder", "acceptance")
"""What machines and their key pairs are for."""


def name_of_key_pair(run_id: str, role: str) -> str:
    """Return the name of a run's key pair for a role; unique in its region."""
    return f"notebake {run_id} {role}"


def name_of_group(run_id: str) -> str:
    """Return the name of a run's security group; unique in its VPC."""
    return f"notebake {run_id}"


def name_of_image(run_id: str) -> str:
    """Return the name of a run's image; unique in its account and region, and readable."""
    return f"notebake {run_id}"


def name_of_schedule(run_id: str, instance_id: str) -> str:
    """Return the name of the schedule that ends an instance: 41 characters of the 64 allowed."""
    digest = hashlib.sha256(run_id.encode()).hexdigest()[:12]
    return f"{SCHEDULE_PREFIX}{digest}-{instance_id}"
