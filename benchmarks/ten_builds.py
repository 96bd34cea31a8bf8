"""So many builds at once in this process: `python -m benchmarks.ten_builds`; prints JSON.

Each is the flow that a person starts, with Prefect's engine around it and a Prefect server beside
it, over real ssh to scripted hosts.
"""

import argparse
import json
import logging
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.peak_memory import peak_kib
from benchmarks.ten_notes import Notes
from tests.replacement import replace


def main() -> int:
    """Build, and tell what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--builds", type=int, required=True)
    parser.add_argument("--ssh-port", type=int, required=True)
    parser.add_argument("--store", required=True)
    parser.add_argument("--alone", action="store_true", help="share no answers of AWS")
    given = parser.parse_args()
    logging.disable(logging.INFO)
    # Imported here: what it takes to have them loaded is told on its own.
    from flows.build_image import build_image
    from notebake.ssh import login

    login.SSH_PORT = given.ssh_port
    if given.alone:
        share_nothing()
    notes = Notes()
    notes.put_in_place()
    loaded_kib, began_cpu, began = peak_kib(), time.process_time(), time.monotonic()
    images, failures = build_all(build_image, given)
    measured = notes.as_json() | {
        "seconds": time.monotonic() - began,
        "cpu_seconds": time.process_time() - began_cpu,
        "loaded_kib": loaded_kib,
        "peak_kib": peak_kib(),
        "images": images,
        "failures": failures,
    }
    sys.stdout.write(json.dumps(measured) + "\n")
    return 1 if failures else 0


def share_nothing() -> None:
    """Let each request be a call of its own, which no other thread waits for or uses later."""
    from notebake.aws.shared_describe import SharedDescribe
    from notebake.aws.single_flight import SingleFlight

    def call_alone(_flight: SingleFlight[Any], call: Callable[[], Any], _is_good: Any) -> Any:
        return call()

    def want_nothing(_readings: SharedDescribe) -> set[str]:
        return set()

    replace(SingleFlight, get=call_alone)
    replace(SharedDescribe, _wanted=want_nothing)


def build_all(build_image: Any, given: argparse.Namespace) -> tuple[list[str], list[str]]:
    """Return the images and what went wrong; each build in a thread of its own."""
    images: list[str] = []
    failures: list[str] = []

    def build(number: int) -> None:
        try:
            run_id = f"ten-{given.builds}-{number}"
            images.append(build_image(str(given.recipe), run_id=run_id, store=given.store))
        except BaseException as error:  # noqa: BLE001 - told to whoever measures
            failures.append(repr(error)[:2000])

    threads = [threading.Thread(target=build, args=(number,)) for number in range(given.builds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return images, failures


if __name__ == "__main__":
    raise SystemExit(main())
