"""What lets a run into its machines: key pairs and a security group, made once, removed whole."""

import logging

from notebake.aws import key_pairs, networks, tags
from notebake.records import KeyPair, Run, SecurityGroup
from notebake.runs.attempts import attempt, close_removed, keep_looking
from notebake.runs.keys import keys_of

log = logging.getLogger(__name__)


def ensure_key_pair(run: Run, role: str) -> KeyPair:
    """Return the run's key pair for a role; EC2 gets the public half only."""
    if found := key_pairs.find_key_pair(run, role):
        return found
    return attempt(
        run,
        f"key-pair-{role}",
        {"name": key_pairs.key_pair_name(run, role)},
        lambda _: key_pairs.import_key_pair(run, role, keys_of(run, role).public),
        marks=tags.tags_for(run, role),
        ids=lambda made: (made.id,),
    )


def remove_key_pair(run: Run, role: str) -> None:
    """Remove the key pair for a role, also one that EC2 shows late."""
    name = f"key-pair-{role}"
    if found := keep_looking(run, name, lambda: key_pairs.find_key_pair(run, role)):
        log.info("Deleting the key pair %s", found.name)
        key_pairs.delete_key_pair(found, run.recipe.region)
    close_removed(run, name)


def ensure_group(run: Run) -> SecurityGroup:
    """Return the run's security group; a new one lets nobody in yet."""
    if found := networks.find_security_group(run):
        return found
    vpc_id = networks.find_subnets(run.recipe.network, run.recipe.region)[0]["VpcId"]
    return attempt(
        run,
        "security-group",
        {"name": networks.group_name(run), "vpc": vpc_id},
        lambda _: networks.create_security_group(run, vpc_id),
        marks=tags.tags_for(run, "builder"),
        ids=lambda made: (made.id,),
    )


def remove_group(run: Run) -> None:
    """Remove the security group, also one that EC2 shows late, once no machine is in it."""
    find = networks.find_security_group
    if found := keep_looking(run, "security-group", lambda: find(run)):
        log.info("Deleting the security group %s", found.id)
        networks.delete_security_group(found, run.recipe.region)
    close_removed(run, "security-group")
