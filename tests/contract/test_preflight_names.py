"""Names of packages that no index has are told before a machine is launched."""

import http.server
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from notebake.preflight.finding import CheckResult
from notebake.recipe import BaseImage, Software
from notebake.runs.run import Run
from tests.cloud_world import RECIPE, CloudWorld
from tests.preflight_world import RewrittenAnswer, sentences, serving

NAMES = frozenset(("numpy", "pandas", "zope-interface", "six"))


@dataclass
class Index:
    """An index of names alone, and what it was asked."""

    names: frozenset[str] = NAMES
    head_status: int = 200
    """Another one than 200 where the index does not know HEAD."""
    status: int = 404
    """For names that it does not have."""
    address: str = ""
    requests: list[str] = field(default_factory=list)


@contextmanager
def serve(index: Index) -> Iterator[Index]:
    """Serve the index; it has no body for anything."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            name = self.path.strip("/").rpartition("/")[2]
            index.requests.append(f"{self.command} {name}")
            status = 200 if name in index.names else index.status
            if self.command == "HEAD" and index.head_status != 200:
                status = index.head_status
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_HEAD = do_GET = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with serving(Handler) as address:
        index.address = f"{address}/simple"
        yield index


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """The index of this computer's pip."""
    with serve(Index()) as served:
        monkeypatch.setenv("PIP_INDEX_URL", served.address)
        monkeypatch.setattr("notebake.preflight.software.DEFAULT_INDEX", served.address)
        yield served


def test_an_index_that_only_this_computer_has_refuses_nothing(
    world: CloudWorld, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mirror of a company has no numpy, and the machine asks another index."""
    monkeypatch.setattr("notebake.preflight.software.DEFAULT_INDEX", "https://index.test/simple")
    run = run_with(world, packages=["pandass"])

    assert sentences(run, CheckResult.WRONG, "software") == ""
    assert "pandass" in sentences(run, CheckResult.NOT_CHECKED, "software")
    named = run_with(world, packages=[], requirements=f"--index-url {index.address}\npandass\n")
    assert "pandass" in wrong_in(named)


def run_with(world: CloudWorld, **software: object) -> Run:
    return world.new_run(RECIPE.model_copy(update={"software": Software.model_validate(software)}))


def wrong_in(run: Run) -> str:
    return sentences(run, CheckResult.WRONG, "software")


def test_a_name_that_no_index_has_is_refused_with_its_line(world: CloudWorld, index: Index) -> None:
    text = "numpy\npandass>=2  # as typed\nZope.Interface\ntool @ git+https://host/o/tool\ntool\n"

    found = wrong_in(run_with(world, requirements=text, packages=["os", "cv2", "six"]))

    assert found.splitlines() == [
        "requirements.txt, line 2: 127.0.0.1 has no package pandass. Correct the name, or name the"
        " index that has it, by --extra-index-url in the requirements.",
        "software.packages: 127.0.0.1 has no package os. os is a module of Python itself: remove"
        " it.",
        "software.packages: 127.0.0.1 has no package cv2. cv2 is the name of a module: write"
        " opencv-python-headless.",
    ]
    assert {"HEAD numpy", "HEAD zope-interface", "HEAD six"} <= set(index.requests)
    assert "GET numpy" not in index.requests


def test_a_near_name_is_named(world: CloudWorld, index: Index) -> None:
    del index
    found = wrong_in(run_with(world, packages=["pandas", "pandass", "scikit-lern"]))

    assert "no package pandass. Did you mean pandas? Correct" in found
    assert "no package scikit-lern. Did you mean scikit-learn? Correct" in found


def test_what_conda_leaves_to_pip_is_looked_up(world: CloudWorld, index: Index) -> None:
    text = "channels: [conda-forge]\ndependencies:\n  - xyz\n  - pip:\n    - six\n    - nompy\n"

    found = wrong_in(run_with(world, manager="conda", requirements=text, pip=["pandsa"]))

    assert "environment.yml, line 6: 127.0.0.1 has no package nompy." in found
    assert "software.pip: 127.0.0.1 has no package pandsa." in found
    assert not any(request.endswith("xyz") for request in index.requests)


def test_what_conda_installs_is_not_asked_of_the_index_of_pip(
    world: CloudWorld, index: Index
) -> None:
    text = "dependencies:\n  - a::Only_Conda >=1\n  - pip:\n    - only-conda\n    - other\n"

    run = run_with(world, manager="conda", requirements=text, packages=["other=1.2"])

    assert wrong_in(run) == ""
    assert index.requests == []


@pytest.mark.parametrize("status", [404, 405, 501])
def test_an_index_that_does_not_know_head_is_asked_again(
    world: CloudWorld, index: Index, status: int
) -> None:
    index.head_status = status

    found = wrong_in(run_with(world, packages=["numpy", "nompy"]))

    assert "no package nompy" in found
    assert "no package numpy" not in found


def test_a_name_is_missing_only_if_all_indexes_say_so(world: CloudWorld, index: Index) -> None:
    with serve(Index(frozenset(("ours",)))) as more:
        text = f"--extra-index-url {more.address}\nours\nnumpy\nnobodys\n"

        found = wrong_in(run_with(world, requirements=text))
        more.status = 403
        again = run_with(world, requirements=text)

        assert "line 4: 127.0.0.1 has no package nobodys" in found
        assert len(found.splitlines()) == 1
        assert wrong_in(again) == ""
        assert "Whether there are packages nobodys: 127.0.0.1 gives the answer 403" in sentences(
            again, CheckResult.NOT_CHECKED, "software"
        )
    del index


def test_an_index_without_an_answer_is_no_fault(
    world: CloudWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    run = run_with(world, packages=["nompy", "numpy"])

    assert wrong_in(run) == ""
    assert "packages nompy, numpy: 127.0.0.1 gives no answer (ConnectError)" in sentences(
        run, CheckResult.NOT_CHECKED, "software"
    )


@pytest.mark.parametrize(
    "line", ["--find-links https://host/wheels.html", "-r https://host/base.txt", "--no-index"]
)
def test_what_may_come_from_elsewhere_is_not_refused(
    world: CloudWorld, index: Index, line: str
) -> None:
    del index
    run = run_with(world, requirements=f"{line}\nours\n")

    assert wrong_in(run) == ""
    assert "line 2: 127.0.0.1 has no package ours" in sentences(
        run, CheckResult.NOT_CHECKED, "software"
    )


@pytest.mark.parametrize("is_public", [True, False])
def test_only_an_image_of_ones_own_may_have_its_own_index(
    world: CloudWorld, index: Index, is_public: bool
) -> None:
    del index
    public = {"Name": "is-public", "Values": ["true"]}
    name = {"Name": "name", "Values": ["ubuntu/*noble*"]}
    image_id = world.ec2.describe_images(Filters=[public, name])["Images"][0]["ImageId"]
    given, software = BaseImage(image_id=image_id), Software(packages=("ours",))
    run = world.new_run(RECIPE.model_copy(update={"base_image": given, "software": software}))

    shown = f"<isPublic>{str(is_public).lower()}"
    with world.intercepting(RewrittenAnswer("DescribeImages", "<isPublic>[Tt]rue", shown)):
        found = wrong_in(run)

    assert ("127.0.0.1 has no package ours" in found) == is_public


def test_a_name_under_a_condition_that_does_not_hold_is_not_looked_up(
    world: CloudWorld, index: Index
) -> None:
    text = "nompy; python_version < '3.0'\nnumpy; python_version >= '3.8'\n"

    assert wrong_in(run_with(world, requirements=text)) == ""
    assert "HEAD numpy" in index.requests
    assert "HEAD nompy" not in index.requests


def test_without_names_no_index_is_asked(world: CloudWorld, index: Index) -> None:
    run = run_with(world, requirements="git+https://host/tool\n", apt=["tree"])

    for verdict in CheckResult:
        assert sentences(run, verdict, "software") == ""
    assert index.requests == []


def test_a_hundred_names_are_a_hundred_short_requests(world: CloudWorld, index: Index) -> None:
    names = [f"n{number}" for number in range(100)]
    index.names = frozenset(names)

    run = run_with(world, packages=names)

    assert "127.0.0.1 has 100 packages without a pinned version." in sentences(
        run, CheckResult.GOOD, "software"
    )
    assert sorted(index.requests) == sorted(f"HEAD {name}" for name in names)
