"""Make the pictures of docs/images from real runs: `python -m docs.make_pictures [PICTURE]`.

Needs   what `make rehearsal` needs; chromium for the picture of the Prefect UI
Gives   rehearsal.svg: the report that a rehearsal printed on a terminal
        prefect.png: the flow run of a rehearsal that was started through Prefect
        prefect-live.png: such a flow run while its notebook runs
        prefect-form.png: the form of the deployment `build`
        prefect-approval.png: the form of a bake that has to be approved
        jupyterlab.png: the notebook of a rehearsal, run on a server from its image
        prefect-schedule.png: a deployment whose schedule bakes when there is a reason to
Costs   four rehearsals and a small bake, some minutes
"""

import argparse
import sys
from pathlib import Path

from docs.picture_of_jupyterlab import picture_jupyterlab
from docs.picture_of_prefect import (
    picture_approval,
    picture_form,
    picture_live,
    picture_prefect,
)
from docs.picture_of_report import picture_report
from docs.picture_of_schedule import picture_schedule

IMAGES = Path(__file__).parent / "images"
PICTURES = {
    "rehearsal.svg": picture_report,
    "prefect.png": picture_prefect,
    "prefect-live.png": picture_live,
    "prefect-form.png": picture_form,
    "prefect-approval.png": picture_approval,
    "jupyterlab.png": picture_jupyterlab,
    "prefect-schedule.png": picture_schedule,
}


def main() -> int:
    """Make the pictures that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m docs.make_pictures", description=__doc__)
    parser.add_argument("picture", nargs="?", choices=tuple(PICTURES), help="default: all")
    chosen = parser.parse_args().picture
    IMAGES.mkdir(exist_ok=True)
    for name in [chosen] if chosen else PICTURES:
        path = IMAGES / name
        PICTURES[name](path)
        sys.stdout.write(f"{path}: {path.stat().st_size // 1000} kB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
