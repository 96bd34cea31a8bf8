"""One bake from a base image with a twist, and how it ended."""

import json
import time
from dataclasses import dataclass
from typing import Any

from sandbox.twists.table import Twist
from tests.limits import HANG_SECONDS
from tests.sandbox.bakery import Bakery, Done
from tests.twists.endings import ENDINGS
from tests.twists.event_times import event_times_recorded

WITHIN_SECONDS = 60
"""How soon a refusal must follow what shows its cause."""
LASTING = {"image", "snapshot"}
"""What an accepted bake is for."""
CELLS = ("depths = [10, 200]", "total = sum(depths)", "print(total)")
NOTEBOOK = {
    "cells": [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": f"cell-{number}",
            "metadata": {},
            "outputs": [],
            "source": source,
        }
        for number, source in enumerate(CELLS)
    ],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}


@dataclass(frozen=True)
class Trial:
    """What came of one twist."""

    twist: Twist
    done: Done
    seconds: float
    """What the whole bake took."""
    shown: str = ""
    """What showed the cause of a refusal first."""
    seconds_since: float = 0.0
    """How long after that it was refused."""
    left: tuple[str, ...] = ()
    """What remained that should not."""

    @property
    def wrong(self) -> list[str]:
        """What is not as it must be; nothing where all is."""
        ending = ENDINGS[self.twist.name]
        faults = [f"left behind: {kind}" for kind in self.left]
        if not ending.fits(self.done.exit_code, self.done.text):
            faults.append(f"it must be {ending.told}, and ended with {self.done.exit_code}")
        elif ending.cause and self.seconds_since > WITHIN_SECONDS:
            faults.append(f"refused only {self.seconds_since:.0f} s after: {self.shown}")
        return faults

    @property
    def line(self) -> str:
        """Return the trial as a line of the table."""
        reported = ENDINGS[self.twist.name].told if not self.wrong else "WRONG"
        when = f"{self.seconds:.0f} s"
        if self.done.exit_code:
            when += f", {self.seconds_since:.0f} s after: {self.shown}"
        return f"{self.twist.name:<15} {reported:<38} {when}"


def try_twist(bakery: Bakery, twist: Twist) -> Trial:
    """Bake from the twist's base image, tear down what a refusal keeps, and judge both."""
    recipe = bakery.write_recipe(f"twist-{twist.name}", **parts_of(bakery, twist))
    began = time.monotonic()
    with event_times_recorded(bakery.cloud.home) as moments:
        process = bakery.start("build", str(recipe))
        printed, _ = process.communicate(timeout=HANG_SECONDS)
        ended = time.monotonic()
    done = Done(process.returncode, printed)
    run = bakery.run_of(f"twist-{twist.name}")
    if not done.exit_code:
        left = tuple(kind for kind in run.resources() if kind not in LASTING)
        return Trial(twist, done, ended - began, left=left)
    shown, moment = moments.first_of(twist.name)
    bakery.notebake("tear-down", run.id)
    left = tuple(run.resources())
    return Trial(twist, done, ended - began, shown, ended - moment, left)


def parts_of(bakery: Bakery, twist: Twist) -> dict[str, Any]:
    """Return the recipe's parts: a package of apt's, JupyterLab, a repository, a small notebook."""
    files = {"notebooks/depths.ipynb": json.dumps(NOTEBOOK)}
    address = bakery.cloud.serve("depths", files, bakery.folder / "depths")
    return {
        "base_image": {"ssm_parameter": twist.parameter},
        "software": {"manager": "pip", "apt": ["tree"]},
        "repository": {"url": address, "ref": "main"},
        "notebook": {
            "path": "notebooks/depths.ipynb",
            "minimum_cells": len(CELLS),
            "minimum_figures": 0,
            "verdict": "210",
        },
    }
