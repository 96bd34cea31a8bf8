import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from sandbox.faults.fault import EFFECTS, Fault, FaultError, read_fault, read_fault_file
from tests.ec2_actions import code_of
from tests.limits import HANG_SECONDS
from tests.sandbox.api.conftest import World

THROTTLE = {"name": "throttle", "effect": "refuse", "code": "RequestLimitExceeded"}
README = Path(__file__).parents[3] / "sandbox" / "faults" / "README.md"


def ask(world: World, method: str, path: str, content: Any = None) -> tuple[int, Any]:
    """Ask the sandbox itself; return status and content."""
    body = None if content is None else json.dumps(content).encode()
    url = f"{world.sandbox.endpoint_url}/notebake-sandbox/{path}"
    request = urllib.request.Request(url, body, method=method)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=HANG_SECONDS) as answer:  # noqa: S310
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"effect": "explode"}, "effect"),
        ({"code": None}, "code"),
        ({"speed": 3}, "speed"),
        ({"skip": -1}, "skip"),
        ({"times": "twice"}, "times"),
        ({"times": True}, "times"),
        ({"seconds": 3}, "seconds"),
        ({"where": "us-west-2a"}, "where"),
        ({"where": {"zone": 3}}, "where.zone"),
        ({"action": ["a"]}, "action"),
        ({"action": "now"}, "action"),
        ({"effect": "slow", "code": None, "seconds": "long"}, "seconds"),
        ({"effect": "limit", "code": "L-1216C47A"}, "value"),
        ({"effect": "dies", "code": None, "action": "now", "times": 1}, "action"),
    ],
)
def test_a_bad_description_names_the_fault_and_the_field(
    change: dict[str, Any], field: str
) -> None:
    with pytest.raises(FaultError, match=rf"Fault throttle, field {field}:"):
        read_fault({**THROTTLE, **change})


@pytest.mark.parametrize("described", ["throttle", {"effect": "refuse"}, {"name": ""}])
def test_what_is_no_fault_at_all_is_refused(described: object) -> None:
    with pytest.raises(FaultError, match="name"):
        read_fault(described)


def test_a_file_may_be_yaml_or_json(tmp_path: Path) -> None:
    yaml_path, json_path = tmp_path / "faults.yaml", tmp_path / "faults.json"
    yaml_path.write_text("- name: throttle\n  effect: refuse\n  code: RequestLimitExceeded\n")
    json_path.write_text(json.dumps([{**THROTTLE, "times": None}]))
    wanted = [Fault("throttle", "refuse", code="RequestLimitExceeded")]
    assert read_fault_file(yaml_path) == read_fault_file(json_path) == wanted


def test_a_file_that_cannot_be_read_says_which(tmp_path: Path) -> None:
    path = tmp_path / "faults.yaml"
    for content in ("- name: [", "- name: x\n  effect: y\n"):
        path.write_text(content)
        with pytest.raises(FaultError, match=r"faults\.yaml"):
            read_fault_file(path)
    with pytest.raises(FaultError, match="none"):
        read_fault_file(tmp_path / "none")


def test_faults_come_and_go_over_http_and_show_how_often_they_fired(world: World) -> None:
    status, shown = ask(world, "POST", "faults", [THROTTLE | {"times": 1}])
    assert (status, shown[0]["fired"]) == (200, 0)
    assert code_of(world.ec2.describe_regions) == "OK", "botocore tries a throttled call again"
    status, shown = ask(world, "GET", "faults")
    assert (status, shown[0]["name"], shown[0]["fired"]) == (200, "throttle", 1)
    assert ask(world, "DELETE", "faults?name=throttle") == (200, {"removed": ["throttle"]})
    assert ask(world, "GET", "faults") == (200, [])


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("POST", "faults", {"name": "x", "effect": "y"}, 400),
        ("DELETE", "faults?name=unknown", None, 400),
        ("POST", "clock", {"advance_seconds": -1}, 400),
        ("POST", "clock", {}, 400),
        ("DELETE", "clock", None, 405),
        ("GET", "unknown", None, 404),
    ],
)
def test_a_wrong_call_of_the_sandbox_itself_says_what_is_wrong(
    world: World, method: str, path: str, content: Any, status: int
) -> None:
    answered, shown = ask(world, method, path, content)
    assert answered == status
    assert shown.get("error") or shown.get("known")


def test_a_name_is_taken_once_and_a_list_is_taken_whole_or_not_at_all(world: World) -> None:
    assert ask(world, "POST", "faults", THROTTLE | {"action": "Nothing"})[0] == 200
    other = THROTTLE | {"name": "other", "action": "Nothing"}
    assert ask(world, "POST", "faults", [other, THROTTLE])[0] == 400
    assert [fault["name"] for fault in ask(world, "GET", "faults")[1]] == ["throttle"]


def test_the_readme_has_a_line_for_every_effect_and_every_field() -> None:
    text = README.read_text(encoding="utf-8")
    for name in [*EFFECTS, "name", "action", "service", "where", "skip", "times", "after"]:
        assert f"| `{name}` |" in text, name
