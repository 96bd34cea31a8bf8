"""Finds the tags that a run's resources have lost, and tags the resources again.

Resources are found by tag; a resource that lost its tags is found by the id in its attempt. The
tags that a resource must carry are recorded before the call that adds them. So a missing tag was
removed by somebody, or the process that was about to add it was killed.
"""

import logging
import shlex
from collections.abc import Iterable, Mapping

from notebake.aws import tagging, tags
from notebake.aws.model import Stack
from notebake.errors import CloudError, NameTakenError, WrongAccountError
from notebake.ledger.attempt import Attempt
from notebake.runs.attempt_store import list_attempts
from notebake.runs.attempts import recording_tags
from notebake.runs.run_record import executing_record

log = logging.getLogger(__name__)
RETENTION_TAGS = (tags.EXPIRES, tags.ACCEPTED)
"""Every resource carries one of the two: it expires, or it is kept."""
PART_TAGS = (tags.RUN, tags.ROLE, tags.RECIPE, tags.BUILDER, tags.ACCEPTED, tags.EXPIRES)
"""The tags that parts share: a machine's disks and interfaces, an image's snapshots."""


def tag_resource(stack: Stack, resource_id: str, marks: dict[str, str], *parts: str) -> None:
    """Tag a resource of the run and its parts; the ledger says first that it must carry them."""
    if record := executing_record(stack):
        # They are not lost, even if EC2 does not show them yet.
        record.tagged.add((resource_id, frozenset(marks)))
    with recording_tags(stack, resource_id, marks):
        tagging.add_tags(stack.region, [resource_id, *parts], marks)


def attempts_by_resource(attempts: Iterable[Attempt]) -> dict[str, Attempt]:
    """Return the attempt of each created resource by its id, without removed resources."""
    made = (attempt for attempt in attempts if attempt.state == "made")
    return {resource_id: attempt for attempt in made for resource_id in attempt.made}


def attempts_named(stack: Stack, prefix: str) -> dict[str, Attempt]:
    """Return the same for the attempts of the run whose names start with the prefix."""
    attempts = list_attempts(stack)
    return attempts_by_resource(each for each in attempts if each.name.startswith(prefix))


def owned_tags(
    stack: Stack,
    what: str,
    resource_id: str,
    present: dict[str, str],
    *,
    made_as: str,
    parts: Iterable[str] = (),
) -> dict[str, str]:
    """Return the tags of a resource that was found by its name, with those that it has lost.

    Raises:
        NameTakenError: it does not carry the run's tag, and no attempt of the run created it.
    """
    makers = attempts_named(stack, made_as)
    if resource_id in makers or present.get(tags.RUN) == stack.id:
        return repair_tags(stack, resource_id, present, makers, parts)
    raise NameTakenError(
        f"{what} {resource_id} has the name that run {stack.id} uses, but it does not carry the"
        " run's tag, and the run has no record of creating it.",
        f"Remove it, or if it does belong to the run, type:"
        f" {tag_command(stack.region, [resource_id], {tags.RUN: stack.id})}",
    )


def repair_tags(
    stack: Stack,
    resource_id: str,
    present: dict[str, str],
    makers: Mapping[str, Attempt],
    parts: Iterable[str] = (),
) -> dict[str, str]:
    """Return the tags of a resource, with those that it has lost.

    An execution of the run also adds the lost tags to the resource and its parts.

    Args:
        stack: The owner of the resource.
        resource_id: Its id.
        present: The tags that EC2 shows.
        makers: Attempts by the ids of the resources they created; others are returned as they are.
        parts: Ids of disks and interfaces, or snapshots, which carry the same tags.
    """
    maker = makers.get(resource_id)
    if maker is None:
        return present
    lost = missing_tags(stack, present, {tags.RUN: stack.id, **maker.marks})
    record = executing_record(stack)
    if lost and record and (resource_id, frozenset(lost)) not in record.tagged:
        record.tagged.add((resource_id, frozenset(lost)))
        restore_tags(stack, resource_id, lost, parts)
    return {**present, **lost}


def missing_tags(
    stack: Stack, present: Mapping[str, str], wanted: Mapping[str, str]
) -> dict[str, str]:
    """Return the tags that a resource must carry and does not."""
    missing = {key: value for key, value in wanted.items() if present.get(key, "") != value}
    if not any(tag in known for known in (present, wanted) for tag in RETENTION_TAGS):
        missing[tags.EXPIRES] = tags.as_tag(tags.ends_at(stack))
    return missing


def restore_tags(
    stack: Stack, resource_id: str, lost: dict[str, str], parts: Iterable[str]
) -> None:
    """Add lost tags again; if EC2 refuses, log the command for a permitted user, and go on."""
    log.warning(
        "%s has lost the tags %s: found by its recorded id, tagging it again",
        resource_id,
        ", ".join(lost),
    )
    part_tags = {key: value for key, value in lost.items() if key in PART_TAGS}
    for ids, marks in (([resource_id], lost), ([*parts], part_tags)):
        if not ids or not marks:
            continue
        try:
            tagging.add_tags_once(stack.region, ids, marks)
        except WrongAccountError:
            raise
        except CloudError as error:
            command = tag_command(stack.region, ids, marks)
            log.warning("%s\nA user with the permission types: %s", error.message, command)


def tag_command(region: str, ids: Iterable[str], marks: Mapping[str, str]) -> str:
    """Return the command that tags resources."""
    words = " ".join(shlex.quote(f"Key={key},Value={value}") for key, value in marks.items())
    return f"aws ec2 create-tags --region {region} --resources {' '.join(ids)} --tags {words}"
