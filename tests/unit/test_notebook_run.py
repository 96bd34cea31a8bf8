from notebake.notebook_run import (
    DIRECTORY,
    SMOKE,
    SMOKE_VERDICT,
    notebook_home,
    wanted_notebook,
    working_directory,
)
from notebake.recipe import Notebook, Recipe, Repository, Volume

OWN = Notebook(
    path="notebooks/sst map.ipynb", verdict="As it should be.", parameters={"year": 2020}
)
REPOSITORY = Repository(url="https://example.org/ocean.git")


def test_a_recipe_s_own_notebook_is_taken_as_it_is_from_its_repository() -> None:
    recipe = Recipe(name="ocean", repository=REPOSITORY, notebook=OWN)

    assert wanted_notebook(recipe) == OWN
    assert notebook_home(recipe) == "/home/ubuntu/ocean"
    assert working_directory(OWN, notebook_home(recipe)) == "/home/ubuntu/ocean/notebooks"


def test_a_notebook_may_run_elsewhere_than_it_lies() -> None:
    moved = OWN.model_copy(update={"working_directory": "."})

    assert working_directory(moved, "/home/ubuntu/ocean") == "/home/ubuntu/ocean"


def test_without_a_notebook_our_own_looks_at_what_the_image_will_hold() -> None:
    recipe = Recipe(
        name="ocean",
        repository=REPOSITORY,
        notebook=Notebook(minimum_cells=4, timeout_seconds=99),
        volumes=(
            Volume(name="data", mount_point="/data"),
            Volume(name="raw", mount_point="/raw", in_image=False),
            Volume(name="archive", mount_point="/archive"),
        ),
    )

    wanted = wanted_notebook(recipe)

    assert wanted.path == "smoke.ipynb"
    assert wanted.parameters == {"mount_points": "/data,/archive"}
    assert wanted.verdict == SMOKE_VERDICT
    assert (wanted.minimum_cells, wanted.timeout_seconds) == (4, 99), "the recipe's limits hold"
    assert notebook_home(recipe) == DIRECTORY
    assert working_directory(wanted, DIRECTORY) == DIRECTORY


def test_our_own_notebook_is_there_and_says_its_verdict() -> None:
    assert SMOKE_VERDICT in SMOKE.read_text()
