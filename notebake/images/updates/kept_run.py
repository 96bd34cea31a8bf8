"""What is kept of a run that made an image: its summary, its recipe, and its files."""

from notebake.errors import RunStoreError
from notebake.ledger.summary import Summary
from notebake.recipe import Recipe
from notebake.recipe.file import parse_stored_recipe
from notebake.record import Record
from notebake.runs.open_store import open_store
from notebake.runs.recorded_run import read_recorded_file


class KeptRun(Record):
    """A run, and the store that has its files."""

    summary: Summary
    store: str

    @property
    def run_id(self) -> str:
        return self.summary.run

    @property
    def region(self) -> str:
        return str(self.summary.recipe.get("region", ""))

    @property
    def first_base(self) -> str:
        """The base image with which its row of images began; "" if it is not recorded.

        A rebake may start from the image before instead of the base image.
        """
        rebake = self.summary.recipe.get("rebake") or {}
        previous = rebake.get("previous") or {}
        return str(previous.get("first_base") or self.summary.base_image)

    def read_recipe(self) -> Recipe:
        """Return the recipe as the run store has it: the record leaves out homes of people.

        Raises:
            RunStoreError: it is not there any more, or the store failed.
            RecipeError: this version of notebake cannot read it.
        """
        store = open_store(self.store)
        versions = store.list(f"{self.run_id}/recipes/")
        stored = store.read(versions[-1]) if versions else None
        if stored is None:
            raise RunStoreError(f"The recipe of run {self.run_id} is not in {self.store} any more.")
        return parse_stored_recipe(stored.content.decode(), versions[-1])

    def read_file(self, name: str) -> tuple[bytes | None, str]:
        """Return a file that the run has kept, if it is the recorded one; else why there is none.

        Raises:
            RunStoreError: the store failed.
        """
        for file in self.summary.files:
            if file.name == name:
                content, wrong = read_recorded_file(self.run_id, file, self.store)
                return content, wrong and f"The file {name} of run {self.run_id} {wrong}"
        return None, f"Run {self.run_id} has kept no {name}"
