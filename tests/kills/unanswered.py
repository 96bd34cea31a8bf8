"""A run whose questions nobody answers, its worker being dead.

`python -m tests.kills.unanswered` prints, for each question, what there is in the account when it
is asked, and after the lease and a quarter of an hour in which no code of ours runs.
"""

import json
import logging
import sys

from flows.approval import ApprovalWantedError
from notebake.runs.approvals.question import Question
from tests.kills import whole_run
from tests.kills.__main__ import LOCATION, furnish, world_opened
from tests.kills.explorer import AFTER_LEASE_SECONDS
from tests.kills.world import World


def main() -> int:
    """Let the first question be answered, and nobody be there for the second one."""
    logging.getLogger().handlers[:] = []
    outcomes = []
    with world_opened(("bake", "share")) as world:
        for answered in (0, 1):
            run = furnish(world)
            question = asked(run.id)
            for _ in range(answered):
                whole_run.approve(question, LOCATION)
                question = asked(run.id)
            launched, left = list(world.history.ever.values()), world.history.left()
            leave_alone(world)
            outcomes.append(
                {
                    "asked": question.kind,
                    "machines": sum(each.startswith("instance ") for each in launched),
                    "left": left,
                    "left_later": world.history.left(),
                    "images": len(world.history.accepted()),
                }
            )
    sys.stdout.write(json.dumps(outcomes))
    return 0


def asked(run_id: str) -> Question:
    """Carry the run out until it asks."""
    try:
        whole_run.take_up(run_id, LOCATION)
    except ApprovalWantedError as wanted:
        return wanted.question
    raise AssertionError("it asked nothing")


def leave_alone(world: World) -> None:
    """Let time pass in which nothing of ours runs."""
    world.new_process()
    world.clock.advance(world.recipe.lease_hours * 3600 + AFTER_LEASE_SECONDS)
    world.history.look()


if __name__ == "__main__":
    raise SystemExit(main())
