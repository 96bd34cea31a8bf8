"""The software: lines with a changed meaning, and pinned versions without a wheel.

No finding prevents a build: the machine uses its own index, and may build packages from source.
"""

import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from urllib.parse import urlsplit

import httpx

from notebake.aws import images
from notebake.commands.uv import PRINT_INDEX
from notebake.local.proxies import UNUSABLE_PROXY
from notebake.preflight.finding import Finding, good, not_checked
from notebake.preflight.wheels import (
    File,
    Pin,
    Python,
    find_pins,
    find_wheel_problem,
    named_index,
    parse_files,
    python_of,
)
from notebake.recipe.requirements import find_requirement_notes
from notebake.recipe.software_advice import WAYS_OUT
from notebake.runs.run import Run

AT_ONCE = 8
EACH_SECONDS = 10
ALL_SECONDS = 20
"""Packages without a response by then are reported as not checked."""
JSON = "application/vnd.pypi.simple.v1+json"
"""https://packaging.python.org/en/latest/specifications/simple-repository-api/"""


def check_software(run: Run) -> Iterable[Finding]:
    """Report lines with a changed meaning, and check the pinned versions."""
    software = run.recipe.software
    file = "environment.yml" if software.manager == "conda" else "requirements.txt"
    for note in find_requirement_notes(software.requirements, software.manager):
        yield good(f"{file}, {note}.")
    if software.manager == "pip":
        yield from check_pins(run)


def check_pins(run: Run) -> Iterator[Finding]:
    """Check that each pinned version has a wheel for the base image's Python."""
    pins = find_pins(run.recipe.software)
    if not pins:
        return
    what = f"Whether {len(pins)} pinned packages have a wheel"
    base = images.resolve_base_image(run.recipe.start_image, run.recipe.region)
    python = python_of(base.get("Name", ""), base.get("Architecture", ""))
    if python is None:
        yield not_checked(
            f"{what}: the name of {base['ImageId']} does not show its Python version."
        )
        return
    index = named_index(run.recipe.software.requirements) or own_index()
    if not index:
        yield not_checked(f"{what}: pip on this computer has no index.")
        return
    pins = [pin for pin in pins if pin.is_for(python)]
    answers = query_index(index, sorted({pin.name for pin in pins}))
    yield from judge_pins(pins, python, answers, urlsplit(index).hostname or "the index")


def judge_pins(
    pins: list[Pin], python: Python, answers: dict[str, list[File] | str], host: str
) -> Iterator[Finding]:
    """Yield a finding for each problem, and one for all pins without one."""
    in_order = 0
    silent: dict[str, list[str]] = {}
    for pin in pins:
        answer = answers.get(pin.name, f"no answer within {ALL_SECONDS} s")
        if isinstance(answer, str):
            silent.setdefault(answer, []).append(pin.name)
        elif trouble := find_wheel_problem(pin, python, answer):
            yield not_checked(
                f"Whether {pin} can be installed on Python {python}: {trouble}.",
                f"Loosen the pin, {WAYS_OUT}.",
            )
        else:
            in_order += 1
    for reason, names in silent.items():
        some = f"{', '.join(names[:5])}{' …' if len(names) > 5 else ''}"
        yield not_checked(f"Whether there are wheels of {some}: {host} gives {reason}.")
    if in_order:
        yield good(f"{in_order} pinned packages are available for Python {python}.")


def own_index() -> str:
    """Return the index of this computer's pip; empty if it is unknown."""
    try:
        printed = subprocess.run(
            [sys.executable, "-I", "-c", PRINT_INDEX],
            capture_output=True,
            text=True,
            timeout=EACH_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return printed.stdout.strip()


def query_index(index: str, names: list[str]) -> dict[str, list[File] | str]:
    """Return the files of each package, or the reason why there is no response."""
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="index")
    try:
        with httpx.Client(timeout=EACH_SECONDS, follow_redirects=True) as client:
            names_of = {pool.submit(query_package, client, index, name): name for name in names}
            done, _ = wait(names_of, timeout=ALL_SECONDS)
            pool.shutdown(wait=False, cancel_futures=True)
            return {names_of[future]: future.result() for future in done if not future.cancelled()}
    except UNUSABLE_PROXY as error:
        return dict.fromkeys(names, f"no answer by the proxy of this computer: {error}")


def query_package(client: httpx.Client, index: str, name: str) -> list[File] | str:
    """Return the files of one package, or the reason why there is no response."""
    try:
        answer = client.get(f"{index.rstrip('/')}/{name}/", headers={"Accept": JSON})
        if answer.status_code == httpx.codes.NOT_FOUND:
            return []
        answer.raise_for_status()
        return parse_files(answer.json())
    except httpx.HTTPStatusError as error:
        return f"the answer {error.response.status_code}"
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"no answer ({type(error).__name__})"
    except ValueError:
        return "no answer in JSON"
