"""Prints the truth table; `--write` puts it into docs/idle.md, `record` records its cases anew.

`python -m tests.idle record [CASE …]` bakes an image in a sandbox of its own and starts a server
from it; all cases take about twenty minutes.
"""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.idle.cases import CASES
from tests.idle.recording import FOLDER, judge_last, parse_recording, stops
from tests.idle.table import as_markdown
from tests.sandbox.bake_world import cloud_opened, prefect_started, wait_for_prefect
from tests.sandbox.bakery import Bakery
from tests.sandbox.idle_record import prepare, record, why_not
from tests.sandbox.idle_world import launch_servers

DOCUMENT = Path(__file__).parents[2] / "docs/idle.md"
BEGIN, END = "<!-- the truth table -->\n\n", "\n<!-- the end of the truth table -->\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="?", choices=["record"])
    parser.add_argument("case", nargs="*", help="names of cases; by default all")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    if given.what:
        record_cases(given.case)
    elif given.write:
        DOCUMENT.write_text(with_table(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        sys.stdout.write(as_markdown())


def with_table(text: str) -> str:
    """Return the document with the table of the kept recordings."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}{as_markdown()}{END}{rest.partition(END)[2]}"


def record_cases(names: list[str]) -> None:
    """Record these cases, or all, and keep what their checks see."""
    with TemporaryDirectory(prefix="idle-") as name:
        folder = Path(name)
        (folder / "server").mkdir()
        with (
            prefect_started(folder / "server") as url,
            cloud_opened(folder / "home") as cloud,
        ):
            wait_for_prefect(url)
            recipe = Bakery(cloud, url, folder).write_recipe("idle")
            done = Bakery(cloud, url, folder).notebake("build", str(recipe))
            assert done.exit_code == 0, done.printed
            (image,) = cloud.ec2().describe_images(Owners=["self"])["Images"]
            (server,) = launch_servers(
                cloud, image["ImageId"], folder, {"notebake:server": "truth"}
            )
            prepare(server)
            for case in CASES:
                if names and case.name not in names:
                    continue
                if reason := why_not(case):
                    sys.stdout.write(f"{case.name}: {reason}\n")
                    continue
                text = record(server, case)
                (FOLDER / f"{case.name}.json").write_text(text)
                found = parse_recording(text)
                result = "as it should" if stops(found) is case.stops else "WRONG"
                sys.stdout.write(f"{case.name}: {result}: {judge_last(found)}\n")


if __name__ == "__main__":
    main()
