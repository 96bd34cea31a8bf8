"""The forms of the deployments: described, with choices and limits that the server keeps."""

import datetime
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml
from prefect import Flow
from prefect.exceptions import PrefectHTTPStatusError

from flows.build_image import build_image
from flows.build_plan import BUILD
from flows.copy_image import copy_image
from flows.prefect_ui.form import RUN_ID, list_recipes
from flows.resume_build import resume_build
from flows.share_image import share_image
from flows.sweep import sweep
from flows.tear_down import tear_down
from flows.unshare_image import unshare_image
from notebake.errors import RunStoreError
from notebake.project import PROJECT
from notebake.recipe import Recipe
from notebake.runs import registry
from notebake.runs.open_store import open_store
from notebake.runs.run_id import make_run_id
from notebake.store.interface import KEY
from tests.flows.ui import carried_out, now, started_in_ui

IMAGE = {"image": "ami-0123456789abcdef0", "region": "us-west-2"}
DEPLOYMENTS = yaml.safe_load((PROJECT / "prefect.yaml").read_text())["deployments"]


def flow_of(deployment: dict[str, Any]) -> Flow[..., Any]:
    path, _, name = deployment["entrypoint"].partition(":")
    found = getattr(import_module(path.removesuffix(".py").replace("/", ".")), name)
    assert isinstance(found, Flow)
    return found


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda each: str(each["name"]))
def test_a_form_describes_each_of_its_fields(deployment: dict[str, Any]) -> None:
    fields = flow_of(deployment).parameters.properties

    assert fields
    assert [name for name, field in fields.items() if len(field.get("description", "")) < 20] == []
    assert set(deployment["parameters"]) <= set(fields)
    assert len(deployment["description"].split()) >= 5


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda each: str(each["name"]))
def test_a_form_takes_its_own_defaults(deployment: dict[str, Any]) -> None:
    """The form sends the default of each field that nobody has filled in."""
    schema = flow_of(deployment).parameters.model_dump()
    sent = {
        name: field["default"] for name, field in schema["properties"].items() if "default" in field
    }

    wrong = list(
        jsonschema.Draft202012Validator(schema).iter_errors(sent | deployment["parameters"])
    )

    assert [each.message for each in wrong if each.validator != "required"] == []


def test_the_choice_of_recipes_is_what_the_folder_holds(tmp_path: Path) -> None:
    folder = tmp_path / "deployments"
    folder.mkdir()
    (folder / "ocean.yaml").write_text("name: ocean\n")
    (folder / "awards.yaml").write_text("awards: []\n")
    (folder / "broken.yaml").write_text("name: [\n")
    (folder / "policy.json").write_text('{"name": "x"}')

    assert list_recipes(tmp_path) == ["deployments/ocean.yaml"]
    assert "deployments/rehearsal.yaml" in build_image.parameters.properties["recipe"]["enum"]


def test_the_pattern_of_a_run_id_is_that_of_the_run_store() -> None:
    made = make_run_id("ocean", datetime.datetime.now(datetime.UTC))

    assert re.fullmatch(RUN_ID, made)
    assert KEY.pattern.startswith(RUN_ID)


def test_each_step_can_be_chosen() -> None:
    choices = resume_build.parameters.properties["from_step"]["enum"]

    assert choices == ["", *(step.name for step in BUILD)]


@pytest.mark.usefixtures("prefect_server")
@pytest.mark.parametrize(
    ("of", "wrong", "named"),
    [
        (build_image, {"recipe": "deployments/oceann.yaml"}, "oceann"),
        (build_image, {"recipe_path": "/etc/passwd"}, "passwd"),
        (build_image, {"run_id": "a b"}, "a b"),
        (resume_build, {}, "run_id"),
        (resume_build, {"run_id": "ocean-1", "from_step": "instal"}, "instal"),
        (tear_down, {"run_id": "../x"}, "../x"),
        (sweep, {"regions": ["Oregon"]}, "Oregon"),
        (sweep, {"regions": []}, "[]"),
        (sweep, {"regions": ["us-west-2"], "apply": "perhaps"}, "perhaps"),
        (share_image, {**IMAGE, "recipients": []}, "[]"),
        (share_image, {**IMAGE, "recipients": ["o-1234567890"]}, "o-1234567890"),
        (share_image, {**IMAGE, "recipients": ["210987654321"], "image": "ami-1"}, "ami-1"),
        (unshare_image, {**IMAGE, "recipients": ["everybody"]}, "everybody"),
        (copy_image, {**IMAGE, "to": []}, "[]"),
        (copy_image, {**IMAGE, "to": ["all"]}, "all"),
        (copy_image, {**IMAGE, "to": ["us-east-1"], "kms_key": "a key"}, "a key"),
    ],
)
def test_a_wrong_value_is_refused_before_anything_starts(
    of: Flow[..., Any], wrong: dict[str, Any], named: str
) -> None:
    with pytest.raises(PrefectHTTPStatusError) as caught:
        started_in_ui(of, **wrong)

    assert caught.value.response.status_code == 409
    assert named in caught.value.response.text


@pytest.mark.usefixtures("prefect_server")
def test_a_run_that_does_not_exist_is_named_with_its_like(tmp_path: Path) -> None:
    store = str(tmp_path / "runs")
    run = registry.new_run(Recipe(name="ocean"), "ocean.yaml", open_store(store))
    flow_run = started_in_ui(resume_build, run_id=f"{run.id}x", store=store)

    with pytest.raises(RunStoreError, match="There is no run"):
        carried_out(flow_run, resume_build)

    state = now(flow_run).state
    assert state
    assert f"Did you mean {run.id}?" in str(state.message)
