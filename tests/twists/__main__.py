"""`make twists`: a table of how each bake ended, printed as it goes; the exit code tells."""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.twists.table import BY_NAME, TWISTS
from tests.sandbox.bake_world import cloud_opened, prefect_started, wait_for_prefect
from tests.sandbox.bakery import Bakery
from tests.twists.trial import Trial, try_twist


def main() -> int:
    """Try the twists that are named, or all; 0 when each ended as it must."""
    parser = argparse.ArgumentParser(prog="python -m tests.twists", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="twist", help=f"of {', '.join(BY_NAME)}")
    names = parser.parse_args().names or [twist.name for twist in TWISTS]
    if unknown := set(names) - set(BY_NAME):
        parser.error(f"no such twist: {', '.join(sorted(unknown))}")
    if os.geteuid():
        say("The machines are looked at from outside: become root first.")
        return 1
    wrong = []
    with bakery_opened() as bakery:
        for name in names:
            trial = try_twist(bakery, BY_NAME[name])
            say(trial.line)
            if trial.wrong:
                wrong.append(name)
                say(explain(trial))
    say(f"{len(names) - len(wrong)} of {len(names)} ended as they must.")
    return 1 if wrong else 0


@contextmanager
def bakery_opened() -> Iterator[Bakery]:
    """Give a sandbox, a Prefect server and empty homes, and leave nothing of them."""
    with tempfile.TemporaryDirectory(prefix="notebake-twists-") as name:
        folder = Path(name)
        (folder / "server").mkdir()
        with (
            prefect_started(folder / "server") as prefect_url,
            cloud_opened(folder / "home") as cloud,
        ):
            wait_for_prefect(prefect_url)
            yield Bakery(cloud, prefect_url, folder)


def explain(trial: Trial) -> str:
    """Return what went wrong, and the last that the build said."""
    last = trial.done.printed.strip().splitlines()[-25:]
    return "\n".join(
        [*(f"    {fault}" for fault in trial.wrong), *(f"    | {line}" for line in last)]
    )


def say(line: str) -> None:
    """Print at once: a bake takes a minute."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
