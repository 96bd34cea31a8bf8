"""The tags by which a run knows its things, put back where somebody has taken them.

Everything is found by its tags; what has lost them is found by the id that its attempt has kept.
What it must carry is kept before EC2 is told to tag it: so a tag that is not there was taken, or
was about to be put there by a process that was killed.
"""

import logging
import shlex
from collections.abc import Iterable, Mapping

from notebake.aws import tagging, tags
from notebake.aws.stack import Stack
from notebake.errors import CloudError, NotOursError, WrongAccountError
from notebake.runs.attempts import Attempt, attempts, keep_marks, memory_of

log = logging.getLogger(__name__)
LASTING = (tags.EXPIRES, tags.ACCEPTED)
"""One of the two is on everything: it ends, or it stays."""
OF_PARTS = (tags.RUN, tags.ROLE, tags.RECIPE, tags.BUILDER, tags.ACCEPTED, tags.EXPIRES)
"""What a machine's disks and interfaces, or an image's snapshots, carry as it does itself."""


def mark(stack: Stack, thing_id: str, marks: dict[str, str], *parts: str) -> None:
    """Tag something that the run made, and its parts; what it must carry is kept first."""
    keep_marks(stack, thing_id, marks)
    if memory := memory_of(stack):
        # Until EC2 shows them they have not been lost.
        memory.tagged.add((thing_id, frozenset(marks)))
    tagging.add_tags(stack.region, [thing_id, *parts], marks)


def makers(every: Iterable[Attempt]) -> dict[str, Attempt]:
    """Return the attempt that made each thing, by its id, unless it is kept that it is gone."""
    return {thing_id: one for one in every if one.state == "made" for thing_id in one.made}


def made_by(stack: Stack, prefix: str) -> dict[str, Attempt]:
    """Return what the run made under names with this prefix."""
    return makers(one for one in attempts(stack) if one.name.startswith(prefix))


def tags_of_own(
    stack: Stack,
    what: str,
    thing_id: str,
    present: dict[str, str],
    *,
    made_as: str,
    parts: Iterable[str] = (),
) -> dict[str, str]:
    """Return the tags of something that has a name of the run's, with those that it has lost.

    Raises:
        NotOursError: it does not carry the run's tag, nor did the run keep that it made it.
    """
    known = made_by(stack, made_as)
    if thing_id in known or present.get(tags.RUN) == stack.id:
        return complete(stack, thing_id, present, known, parts)
    raise NotOursError(
        f"{what} {thing_id} has the name that run {stack.id} gives, but not its tag, and the run"
        " has not kept that it made it.",
        f"Remove it, or if it is the run's all the same:"
        f" {tag_command(stack.region, [thing_id], {tags.RUN: stack.id})}",
    )


def complete(
    stack: Stack,
    thing_id: str,
    present: dict[str, str],
    known: Mapping[str, Attempt],
    parts: Iterable[str] = (),
) -> dict[str, str]:
    """Return the tags of something that the run made, with those that it has lost.

    Whoever executes the run puts them back, on its parts as well.

    Args:
        stack: Whose thing it is.
        thing_id: Its id.
        present: The tags that EC2 shows.
        known: The attempts that made things, by their ids; of others nothing is known to be lost.
        parts: Ids of what carries the same tags: disks and interfaces, or snapshots.
    """
    maker = known.get(thing_id)
    if maker is None:
        return present
    lost = lost_tags(stack, present, {tags.RUN: stack.id, **maker.marks})
    memory = memory_of(stack)
    if lost and memory and (thing_id, frozenset(lost)) not in memory.tagged:
        memory.tagged.add((thing_id, frozenset(lost)))
        put_back(stack, thing_id, lost, parts)
    return {**present, **lost}


def lost_tags(
    stack: Stack, present: Mapping[str, str], wanted: Mapping[str, str]
) -> dict[str, str]:
    """Return the tags that something must carry and does not."""
    lost = {key: value for key, value in wanted.items() if present.get(key, "") != value}
    if not any(tag in known for known in (present, wanted) for tag in LASTING):
        lost[tags.EXPIRES] = tags.as_tag(tags.ends_at(stack))
    return lost


def put_back(stack: Stack, thing_id: str, lost: dict[str, str], parts: Iterable[str]) -> None:
    """Tag something anew; where EC2 refuses, say what somebody types who may, and go on."""
    log.warning(
        "%s does not carry %s: it is found by its kept id, and is tagged again",
        thing_id,
        ", ".join(lost),
    )
    of_parts = {key: value for key, value in lost.items() if key in OF_PARTS}
    for ids, marks in (([thing_id], lost), ([*parts], of_parts)):
        if not ids or not marks:
            continue
        try:
            tagging.add_tags_once(stack.region, ids, marks)
        except WrongAccountError:
            raise
        except CloudError as error:
            command = tag_command(stack.region, ids, marks)
            log.warning("%s\nSomebody who may types: %s", error.message, command)


def tag_command(region: str, ids: Iterable[str], marks: Mapping[str, str]) -> str:
    """Return the command that tags things."""
    spelled = " ".join(shlex.quote(f"Key={key},Value={value}") for key, value in marks.items())
    return f"aws ec2 create-tags --region {region} --resources {' '.join(ids)} --tags {spelled}"
