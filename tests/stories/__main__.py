"""Tell the stories of a module, each in a copy of one world: `python -m tests.stories MODULE`."""

import argparse
import importlib
import json
import logging
import sys
import traceback
from pathlib import Path

from tests.faults.faulty_world import FaultyWorld, opened
from tests.faults.forks import Forks, Outcome
from tests.faults.recipes import RECIPES
from tests.faults.tour import Journal
from tests.stories.outcomes import Story

AT_ONCE = 2


def main() -> int:
    """Write what came of each story."""
    parser = argparse.ArgumentParser(prog="python -m tests.stories", description=__doc__)
    parser.add_argument("module", help="such as accounts: a module of tests.stories")
    parser.add_argument("--story", action="append", default=[], help="only this one")
    parser.add_argument("--report", type=Path, help="where it is written as JSON")
    chosen = parser.parse_args()
    stories: dict[str, Story] = importlib.import_module(f"tests.stories.{chosen.module}").STORIES
    description: dict[str, Outcome] = {}
    forks = Forks(AT_ONCE, description.__setitem__)
    with opened(RECIPES["plain"]) as world:
        logging.getLogger().handlers[:] = [Journal(world)]
        logging.getLogger().setLevel(logging.INFO)
        for name, story in stories.items():
            if chosen.story and name not in chosen.story:
                continue
            if tell := forks.fork(name):
                tell(run_story(story, world))
        forks.wait()
    text = json.dumps(description, indent=2)
    if chosen.report:
        chosen.report.write_text(text)
    else:
        sys.stdout.write(f"{text}\n")
    return 0


def run_story(story: Story, world: FaultyWorld) -> Outcome:
    """Return what a story tells, or what broke in it: a child must not end its parent's world."""
    world.move_home()
    try:
        return story(world)
    except BaseException:  # noqa: BLE001 - told
        return {"broke": traceback.format_exc()}


if __name__ == "__main__":
    raise SystemExit(main())
