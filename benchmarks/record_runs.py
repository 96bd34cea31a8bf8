"""What a run store holds of ten thousand sealed runs, all of them alike."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from notebake.aws.model import Account
from notebake.ledger.chain import RecordPlace
from notebake.ledger.closing import close_if_finished
from notebake.ledger.entry import hash_of, key_of, seal_key_of
from notebake.recipe import Recipe
from notebake.runs.account import record_account
from notebake.runs.open_store import open_store
from notebake.runs.registry import new_run
from notebake.store.directory import DirectoryStore
from tests.recorded_runs import IMAGE, bake, step, write

RUNS, ENTRIES = 10_000, 60
TEMPLATE = "ocean-20261129-120000-0000"
ACCOUNT = Account(id="123456789012", partition="aws")


def run_id_of(number: int) -> str:
    """Return the id of one of the runs."""
    return f"{TEMPLATE[:-4]}{number:04x}"


def objects_of_runs(image_ids: Sequence[str], *, is_whole: bool) -> Iterator[tuple[str, bytes]]:
    """Yield the keys and contents of all runs; the first ones have made these images.

    Unless they are to be whole, only the first entry and the seal of each are there.
    """
    contents, files = template(), files_of_run()
    for number in range(RUNS):
        run_id = run_id_of(number)
        image_id = image_ids[number] if number < len(image_ids) else f"ami-{number:017x}"
        for path, content in files.items():
            yield f"{run_id}/{path}", content.replace(TEMPLATE.encode(), run_id.encode())
        entries = [*renamed(contents, run_id, image_id)]
        for sequence, content in enumerate(entries, 1):
            if is_whole or sequence in {1, len(entries)}:
                yield f"record/{key_of(run_id, sequence)}", content
        yield f"record/{seal_key_of(run_id, len(entries))}", entries[-1]


def template() -> list[bytes]:
    """Return the stored entries of one sealed run."""
    with tempfile.TemporaryDirectory(prefix="notebake-bench-") as name:
        place = RecordPlace(DirectoryStore(Path(name)))
        happened = bake(Recipe(name="ocean", region="us-west-2"))
        more = [step(f"step_{number}") for number in range(ENTRIES - 1 - len(happened))]
        chain = write(place, [*happened[:2], *more, *happened[2:]], TEMPLATE)
        close_if_finished(chain)
        return [stored.content for stored in place.store.read_all(place.store.list(f"{TEMPLATE}/"))]


def files_of_run() -> dict[str, bytes]:
    """Return the files in the folder of one run."""
    with tempfile.TemporaryDirectory(prefix="notebake-bench-") as name:
        recipe = Recipe(name="ocean", region="us-west-2")
        run = new_run(recipe, "ocean.yaml", open_store(name), run_id=TEMPLATE)
        record_account(run, ACCOUNT)
        folder = Path(name, TEMPLATE)
        found = (path for path in folder.rglob("[!.]*") if path.is_file())
        return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def renamed(contents: Iterable[bytes], run_id: str, image_id: str) -> Iterator[bytes]:
    """Yield the entries under another run id and image id, as long as before, linked anew."""
    before, now = b"", b""
    for content in contents:
        previous, changed = hash_of(before).encode(), hash_of(now).encode()
        before = content
        now = content.replace(TEMPLATE.encode(), run_id.encode())
        now = now.replace(IMAGE.encode(), image_id.encode()).replace(previous, changed)
        yield now


def put(path: Path, content: bytes) -> None:
    """Write a file, which may be lost in a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
