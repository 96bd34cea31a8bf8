"""Let each fault happen to a whole build, once and for ever: `python -m tests.faults`.

One case with its whole journal: `python -m tests.faults --case "no room in one zone" --part once`.
"""

import argparse
import gc
import json
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.faults.case import PARTS, Case, parts_with_names, trial_name
from tests.faults.catalogue import CASES, QUICK, is_in_share
from tests.faults.faulty_world import FaultyWorld, furnish, opened
from tests.faults.forks import Outcome
from tests.faults.recipes import RECIPES
from tests.faults.table import as_text, paragraph
from tests.faults.tour import Journal, Part, Tour


def main() -> int:
    """Try the cases, print the table, and fail if anything went wrong."""
    chosen = parse()
    began = time.monotonic()
    every = QUICK if chosen.share else CASES
    cases = [case for case in every if not chosen.case or case.name in chosen.case]
    parts = [part for case in cases for part in parts_of(case, chosen.part)]
    if chosen.share:
        parts = [(case, part) for case, part in parts if is_in_share(case, trial_name(case, part))]
    if not parts:
        say("There is no such case. Known are:\n" + "\n".join(case.name for case in every))
        return 2
    outcomes = try_all(parts, chosen)
    wrong = [trial for trial in outcomes if trial["wrong"]]
    say(as_text(cases, outcomes))
    seconds = time.monotonic() - began
    say(f"{len(wrong)} of {len(outcomes)} trials went wrong; {seconds:.0f} s")
    if chosen.report:
        chosen.report.write_text(json.dumps({"told": outcomes, "text": as_text(cases, outcomes)}))
    return 1 if wrong else 0


def parts_of(case: Case, wanted: str) -> list[Part]:
    """Return what is tried of a case."""
    return [(case, part) for name, part in parts_with_names(case) if wanted in ("", name)]


def try_all(parts: list[Part], chosen: argparse.Namespace) -> list[Outcome]:
    """Return the verdicts, in the order of the catalogue."""
    outcomes: dict[str, Outcome] = {}

    def record(name: str, outcome: Outcome) -> None:
        outcomes[name] = {"name": name} | outcome
        if outcome["wrong"]:
            say(paragraph(outcomes[name]))

    tours = list(dict.fromkeys(case.tour for case, _ in parts))
    with opened(RECIPES[tours[0]]) as world:
        logging.getLogger().handlers[:] = [Journal(world)]
        logging.getLogger().setLevel(logging.INFO)
        for name in tours:
            world.recipe = RECIPES[name]
            make_tour(world, [part for part in parts if part[0].tour == name], chosen, record)
    order = [trial_name(case, part) for case, part in parts]
    missing = {"wrong": ["its step never began"], "case": "", "kind": ""}
    return [outcomes.get(name, {"name": name} | missing) for name in order]


def make_tour(
    world: FaultyWorld,
    parts: list[Part],
    chosen: argparse.Namespace,
    record: Callable[[str, Outcome], None],
) -> None:
    """Try the cases of one recipe."""
    run = furnish(world)
    # Children copy each page that they touch, and a collection touches all.
    gc.collect()
    gc.freeze()
    gc.disable()
    Tour(world, run, parts, chosen.at_once, record, is_quick=chosen.share).go()


def parse() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--case", action="append", default=[], help="only this one")
    parser.add_argument("--part", choices=PARTS, default="", help="only this part")
    parser.add_argument("--at-once", type=int, default=2, help="how many children live at a time")
    parser.add_argument("--share", action="store_true", help="what is drawn for the day")
    parser.add_argument("--report", type=Path, help="where the outcome is written as JSON")
    return parser.parse_args()


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
