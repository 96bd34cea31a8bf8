"""Preflight checks of the software lists, and whether wheels of the pins exist."""

import http.server
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from notebake.preflight import index as preflight_index
from notebake.preflight.finding import CheckResult
from notebake.preflight.wheels import (
    Python,
    find_pins,
    find_wheel_problem,
    parse_files,
    pin_of,
    python_of,
)
from notebake.recipe import Software
from notebake.runs.run import Run
from tests.cloud_world import RECIPE, CloudWorld
from tests.preflight_world import sentences, serving

NOBLE = Python((3, 12), 39, "x86_64")
LINUX = "manylinux_2_17_x86_64.manylinux2014_x86_64"
FILES = {
    "old": ["old-1.0-cp38-cp38-manylinux2010_x86_64.whl", "old-1.0.tar.gz"],
    "gone": ["gone-1.0-cp38-cp38-manylinux1_x86_64.whl"],
    "current": [f"current-1.0-cp312-cp312-{LINUX}.whl", "current-1.0.zip"],
    "stable": [f"stable-1.0-cp39-abi3-{LINUX}.whl"],
    "plain": ["plain-1.0-py2.py3-none-any.whl"],
    "source": ["source-1.0.tar.gz"],
    "newglibc": ["newglibc-1.0-cp312-cp312-manylinux_2_99_x86_64.whl"],
    "odd": ["odd-1.0.exe", "odd-1.0-py3-none-any.whl", "odd-x-py3-none-any.whl"],
}


def index_of(name: str, **more: str) -> dict[str, object]:
    return {
        "files": [{"filename": file_name, "url": file_name, **more} for file_name in FILES[name]]
    }


@contextmanager
def index_served() -> Iterator[str]:
    """Serve an index of these packages; `broken` gets an error and `html` no JSON."""

    class Index(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(200)
            self.end_headers()

        def do_GET(self) -> None:
            name = self.path.strip("/").rpartition("/")[2]
            body = b"<html>" if name == "html" else json.dumps(index_of(name)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

            """Say nothing."""

        def parse_request(self) -> bool:
            whole = super().parse_request()
            name = self.path.strip("/").rpartition("/")[2] if whole else ""
            if whole and name not in {*FILES, "html"}:
                self.send_error(503 if name == "broken" else 404)
                return False
            return whole

    with serving(Index) as address:
        yield f"{address}/simple"


def run_with(world: CloudWorld, **software: object) -> Run:
    return world.new_run(RECIPE.model_copy(update={"software": Software.model_validate(software)}))


def test_a_pin_without_a_wheel_is_reported_with_its_line_and_does_not_fail(
    world: CloudWorld,
) -> None:
    with index_served() as index:
        text = (
            f"--index-url {index}\ncurrent==1.0\n"
            "old==1.0  # of 2020\nsource==1.0\nmissing==1.0\nstable==7\nbroken==1.0\nhtml==1\n"
            "gone==1.0 ; python_version < '3.0'\nplain>=1\n"
        )
        run = run_with(world, requirements=text)

        still_open = sentences(run, CheckResult.NOT_CHECKED, "software")
        in_order = sentences(run, CheckResult.GOOD, "software")

    assert "Whether old==1.0 (line 3) can be installed on Python 3.12: there is no wheel" in (
        still_open
    )
    assert 'Loosen the pin, or take manager: conda with python: "3.8"' in still_open
    assert "missing" not in still_open, "that is certain"
    assert "stable==7 (line 6)" in still_open
    assert "the index has no version 7 of it" in still_open
    assert "wheels of broken: 127.0.0.1 gives the answer 503" in still_open
    assert "wheels of html: 127.0.0.1 gives no answer in JSON" in still_open
    assert "gone" not in still_open, "its condition does not hold there"
    assert "2 pinned packages are available for Python 3.12" in in_order
    assert "127.0.0.1 has 1 package without a pinned version" in in_order


def test_an_unreachable_index_is_not_a_failure(world: CloudWorld) -> None:
    run = run_with(world, requirements="-i http://127.0.0.1:9/simple\nold==1.0\n")

    assert "wheels of old: 127.0.0.1 gives no answer (ConnectError)" in sentences(
        run, CheckResult.NOT_CHECKED, "software"
    )


def test_a_slow_index_is_not_a_failure(world: CloudWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight_index, "ALL_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as never_answers:
        index = f"http://127.0.0.1:{never_answers.getsockname()[1]}/simple"
        run = run_with(world, requirements=f"-i {index}\nold==1.0\n")

        not_checked = sentences(run, CheckResult.NOT_CHECKED, "software")

    assert "gives no answer within 0.1 s" in not_checked


def test_the_plan_reports_requirements_that_are_interpreted_differently(
    world: CloudWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    text = "channels: [conda-forge, defaults]\ndependencies: [numpy]\n"
    run = run_with(world, manager="conda", requirements=text)
    assert "environment.yml, line 1: defaults is replaced by conda-forge" in sentences(
        run, CheckResult.GOOD, "software"
    )

    run = run_with(world, requirements="six\n-e git+https://host/o/t#egg=t\n")
    assert "requirements.txt, line 2: what -e takes from git" in sentences(
        run, CheckResult.GOOD, "software"
    )


TROUBLES = {
    "old": "there is no wheel of it, so uv would build it from source",
    "gone": "there is no wheel of it, and no source",
    "newglibc": "there is no wheel of it, and no source",
    **dict.fromkeys(("current", "stable", "plain", "source", "odd"), None),
}


@pytest.mark.parametrize(("name", "words"), TROUBLES.items(), ids=TROUBLES.keys())
def test_wheel_compatibility_is_read_from_the_file_name(name: str, words: str | None) -> None:
    pin = pin_of(f"{name}==1", 1)
    assert pin is not None

    trouble = find_wheel_problem(pin, NOBLE, parse_files(index_of(name)))

    assert (trouble or "").startswith(words or "")
    assert (trouble is None) == (words is None)


def test_a_version_for_another_python_is_reported() -> None:
    pin = pin_of("plain==1.0", 0)
    assert pin is not None

    files = parse_files(index_of("plain", **{"requires-python": ">=3.13"}))

    assert find_wheel_problem(pin, NOBLE, files) == "it requires Python >=3.13"
    odd = parse_files(index_of("plain", **{"requires-python": "python 3"}))
    assert find_wheel_problem(pin, NOBLE, odd) is None, "what cannot be read bars nothing"


def test_only_an_exact_version_is_a_pin() -> None:
    text = (
        "a==1.0\nb===2.0\nc==1.*\nd>=1,<2\ne\nf @ https://host/f.zip\n-e git+https://host/g\n"
        "h==1.0,>=0\n--pre\ni==1.0 --hash=sha256:00\nj==1.0 \\\n  ; python_version > '3'\n"
    )

    pins = find_pins(Software(requirements=text, packages=("k==3",)))

    assert [str(pin) for pin in pins] == [
        "a==1.0 (line 1)",
        "b==2.0 (line 2)",
        "i==1.0 (line 10)",
        "j==1.0 (line 11)",
        "k==3",
    ]


NAMES = {
    "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20250101": (3, 12),
    "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-arm64-server-20250101": (3, 10),
    "debian-12-amd64-20250101-1234": (3, 11),
    "al2023-ami-2023.6.20250101.0-kernel-6.1-x86_64": (3, 9),
    "our-own-image": None,
    "": None,
}


@pytest.mark.parametrize(("name", "version"), NAMES.items(), ids=NAMES.keys())
def test_the_python_version_is_derived_from_the_base_image_name(
    name: str, version: tuple[int, int] | None, tmp_path: Path
) -> None:
    del tmp_path
    found = python_of(name, "arm64" if "arm64" in name else "x86_64")

    assert (found.version if found else None) == version
    assert python_of(name, "i386") is None
