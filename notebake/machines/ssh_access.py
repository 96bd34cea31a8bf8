"""The key pairs and the security group with which a run reaches its machines by ssh."""

import logging

from notebake.aws import key_pairs, networks, tags
from notebake.aws.clients import wait_for_first
from notebake.aws.kinds import KEY_PAIR, SECURITY_GROUP
from notebake.aws.model import KeyPair, SecurityGroup
from notebake.aws.names import name_of_group, name_of_key_pair
from notebake.aws.shared_describe import describe_shared
from notebake.errors import CloudError
from notebake.runs import tag_repair
from notebake.runs.attempts import close_as_removed, find_even_if_late, record_attempt
from notebake.runs.keys import keys_of
from notebake.runs.run import Run

log = logging.getLogger(__name__)


def ensure_key_pair(run: Run, role: str) -> KeyPair:
    """Return the run's key pair for a role; EC2 gets only the public key."""
    if found := find_key_pair(run, role):
        return found
    return record_attempt(
        run,
        f"key-pair-{role}",
        {"name": name_of_key_pair(run.id, role)},
        lambda: import_key_pair(run, role),
        marks=tags.tags_for(run, role),
        ids=lambda made: (made.id,),
    )


def remove_key_pair(run: Run, role: str) -> None:
    """Delete the key pair for a role, even if EC2 shows it late."""
    name = f"key-pair-{role}"
    if found := find_even_if_late(run, name, lambda: find_key_pair(run, role)):
        log.info("Deleting the key pair %s", found.name)
        key_pairs.delete_key_pair(found, run.region)
    close_as_removed(run, name)


def ensure_group(run: Run) -> SecurityGroup:
    """Return the run's security group; a new one has no ingress rules yet."""
    if found := find_security_group(run):
        return found
    vpc_id = networks.find_subnets(run.recipe.network, run.region)[0]["VpcId"]
    return record_attempt(
        run,
        "security-group",
        {"name": name_of_group(run.id), "vpc": vpc_id},
        lambda: create_security_group(run, vpc_id),
        marks=tags.tags_for(run, "builder"),
        ids=lambda made: (made.id,),
    )


def remove_group(run: Run) -> None:
    """Delete the security group as soon as no machine uses it, even if EC2 shows it late."""
    if found := find_even_if_late(run, "security-group", lambda: find_security_group(run)):
        log.info("Deleting the security group %s", found.id)
        networks.delete_security_group(found, run.region)
    close_as_removed(run, "security-group")


def find_key_pair(run: Run, role: str) -> KeyPair | None:
    """Return the run's key pair for a role.

    Raises:
        NameTakenError: another key pair has its name.
    """
    name = name_of_key_pair(run.id, role)
    found = describe_shared(run.region, KEY_PAIR, "key-name", name)
    if not found:
        return None
    key_id, present = found[0]["KeyPairId"], tags.as_dict(found[0].get("Tags"))
    tag_repair.owned_tags(run, "The key pair", key_id, present, made_as=f"key-pair-{role}")
    return KeyPair(id=key_id, name=name)


def find_security_group(run: Run) -> SecurityGroup | None:
    """Return the run's security group with the CIDR blocks that it allows to reach port 22.

    Raises:
        NameTakenError: another security group has its name.
    """
    found = describe_shared(run.region, SECURITY_GROUP, "group-name", name_of_group(run.id))
    if not found:
        return None
    group_id, present = found[0]["GroupId"], tags.as_dict(found[0].get("Tags"))
    tag_repair.owned_tags(run, "The security group", group_id, present, made_as="security-group")
    ranges = [
        ip_range["CidrIp"]
        for permission in found[0]["IpPermissions"]
        if permission.get("FromPort") == 22
        for ip_range in permission["IpRanges"]
    ]
    return SecurityGroup(id=group_id, ssh_from=tuple(sorted(ranges)))


def import_key_pair(run: Run, role: str) -> KeyPair:
    """Import the public key into EC2; a repeated call finds the key pair by its name."""
    name, marks = name_of_key_pair(run.id, role), tags.tags_for(run, role)
    try:
        return key_pairs.import_key_pair(name, keys_of(run, role).public, marks, run.region)
    except CloudError as error:
        if error.code != "InvalidKeyPair.Duplicate":
            raise
        return wait_for_first(lambda: find_key_pair(run, role), f"the key pair {name}")


def create_security_group(run: Run, vpc_id: str) -> SecurityGroup:
    """Create the security group without rules; a repeated call finds the group by its name."""
    name, marks = name_of_group(run.id), tags.tags_for(run, "builder")
    try:
        return networks.create_security_group(name, marks, vpc_id, run.region)
    except CloudError as error:
        if error.code != "InvalidGroup.Duplicate":
            raise
        return wait_for_first(lambda: find_security_group(run), f"the group of run {run.id}")
