"""Carry a whole run out with scripted hosts, and export it: `python -m tests.crate.whole_run`."""

import argparse
import dataclasses
import json
from pathlib import Path

from flows.build_plan import titles
from notebake.reports.crate.export import export_crate
from tests.kills.__main__ import LOCATION, world_opened

RUN = "ocean-1"


def main() -> None:
    """Write the crate, and a report of what was written."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--crate", type=Path, required=True)
    parser.add_argument("--report", type=Path, required=True)
    given = parser.parse_args()
    with world_opened():
        written = export_crate(RUN, LOCATION, given.crate, titles=dict(titles()))
    given.report.write_text(json.dumps(dataclasses.asdict(written), default=str))


if __name__ == "__main__":
    main()
