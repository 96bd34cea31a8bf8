"""Known vulnerabilities in the whole check: beside the causes, and never one of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.check_updates import describe_in_markdown
from notebake.images.updates import tools
from notebake.images.updates.check import check_updates
from notebake.images.updates.sentence import describe_check
from notebake.images.updates.update_check import UpdateCheck
from notebake.runs.open_store import open_store
from tests.cloud_world import RECIPE, CloudWorld, cloud_world
from tests.json_documents import document, is_utc_time
from tests.recipe_text import dump_recipe
from tests.update_images import CODE, place_of, store_image
from tests.updates.advice_world import FakePyPI, advisory

PLAIN = RECIPE.model_copy(update={"volumes": ()})
FILES = {"locks/requirements.txt": b"jinja2==3.1.2\n", "locks/papermill.txt": b"papermill==2.6.0\n"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[CloudWorld]:
    with cloud_world(tmp_path) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _code_of_today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "code_version", lambda: CODE)


@pytest.fixture
def pypi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePyPI]:
    with FakePyPI(tmp_path) as fake:
        for name, value in fake.environment.items():
            monkeypatch.setenv(name, value)
        fake.publish("papermill", "2.6.0")
        fake.publish("jinja2", "3.1.2")
        yield fake


@pytest.mark.usefixtures("world")
def test_a_vulnerability_changes_no_cause(pypi: FakePyPI, tmp_path: Path) -> None:
    store_image(place_of(tmp_path), PLAIN, files=FILES)
    before = check_updates(PLAIN, place_of(tmp_path))
    pypi.publish("jinja2", "3.1.2", advisory("PYSEC-1", "CVE-2024-22195", fixed=["3.1.3"]))

    after = check_updates(PLAIN, place_of(tmp_path))

    assert [(it.ecosystem, it.state, it.findings) for it in before.advice] == [
        ("python", "asked", ()),
        ("apt", "not asked", ()),
    ]
    assert [it.package for it in after.advice[0].findings] == ["jinja2"]
    assert after.findings == before.findings
    assert describe_check(after) == describe_check(before)
    assert after.advice[1].reason == "The run kept no apt-packages.json."


@pytest.mark.usefixtures("world")
def test_a_changed_list_was_not_asked_for(pypi: FakePyPI, tmp_path: Path) -> None:
    store = place_of(tmp_path)
    run_id = store_image(store, PLAIN, files=FILES)
    open_store(store).write(f"{run_id}/locks/requirements.txt", b"jinja2==3.1.6\n")

    found = check_updates(PLAIN, store)

    assert found.advice[0].state == "not asked"
    assert "was changed after it was recorded" in found.advice[0].reason
    assert pypi.requested == []


@pytest.mark.usefixtures("world")
def test_documents_have_the_advice_with_its_date(
    pypi: FakePyPI, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pypi.publish("jinja2", "3.1.2", advisory("PYSEC-1", "CVE-2024-22195", fixed=["3.1.3"]))
    store_image(place_of(tmp_path), PLAIN, files=FILES)
    path = tmp_path / "ocean.yaml"
    path.write_text(dump_recipe(PLAIN))

    found = document(["--store", place_of(tmp_path), "check", str(path)], capsys, code=5)

    python, apt = found["advice"]
    assert is_utc_time(python["data_of"])
    assert python["packages"] == 2
    assert python["findings"][0]["ids"] == ["PYSEC-1", "CVE-2024-22195"]
    assert (apt["state"], apt["findings"], apt["data_of"]) == ("not asked", None, None)
    kept = UpdateCheck.model_validate_json(Path(found["kept_at"]).read_text())
    text = "\n".join(describe_in_markdown(kept, describe_check(kept), "here"))
    assert "## Known vulnerabilities, python: 1 known" in text
    assert "| jinja2 | 3.1.2 | PYSEC-1, CVE-2024-22195 | 3.1.3 |  |  |" in text
    assert "in 1 of 2 packages, by data of 20" in text
    assert "## Known vulnerabilities, apt: not asked\n\nNot asked: The run kept no apt" in text


@pytest.mark.usefixtures("world")
def test_a_check_that_was_kept_before_there_was_advice_can_be_read(tmp_path: Path) -> None:
    store_image(place_of(tmp_path), PLAIN)
    found = check_updates(PLAIN, place_of(tmp_path))

    older = found.model_dump_json(exclude={"advice"})

    assert UpdateCheck.model_validate_json(older).advice == ()
