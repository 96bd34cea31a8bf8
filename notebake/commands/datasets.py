"""Datasets on a host: a file or folder gets its final name only when it is complete and verified.

The host itself downloads what needs no credential: https, and http with a checksum. Everything else
the worker uploads to the staging path, where the host verifies it and moves it into place.
"""

from collections.abc import Sequence
from pathlib import PurePosixPath
from shlex import quote

from notebake.commands.dataset_scripts import DOWNLOAD, INSTALL, PREPARE, REQUIRE_CHECKSUM
from notebake.commands.reachability import CHECK_REACHABLE
from notebake.commands.shell import NETWORK_ENVIRONMENT, as_user, script, variables
from notebake.recipe import Dataset
from notebake.record import digest_of

SILENCE_SECONDS = 900
"""How long a server may prepare a file: those that cut one out of others take minutes."""
RECORD_DIRECTORY = "/var/lib/notebake/datasets"


def staging_path(dataset: Dataset) -> str:
    """Return the path to which the worker uploads, in a directory of the login user's.

    It lies beside the target, so that moving the dataset is one rename. A checksum list at the same
    path with `.sha256` appended, in sha256sum's format and relative to the folder, is verified too,
    and must name every file.
    """
    target = PurePosixPath(dataset.target_path)
    return str(target.with_name(f".{target.name}.notebake-part") / "content")


def prepare_staging(dataset: Dataset, *, user: str, records: str = RECORD_DIRECTORY) -> str:
    """Return the root script that lets the login user write to the staging path.

    Files of an earlier attempt stay.
    """
    return script(_values(dataset, user, records), PREPARE)


def fetch_dataset(dataset: Dataset, *, user: str, records: str = RECORD_DIRECTORY) -> str:
    """Return the root script that downloads a file by http or https.

    It resumes a partial download only if a checksum can verify the result.
    """
    if not dataset.source.startswith(("https://", "http://")) or dataset.source.endswith("/"):
        raise ValueError(f"{dataset.name}: a host downloads single files by http only")
    values = _values(dataset, user, records)
    download = as_user(user, values, CHECK_REACHABLE, DOWNLOAD)
    work = (NETWORK_ENVIRONMENT, values, PREPARE, download, INSTALL)
    return _unless(dataset_is_in_place(dataset, records=records), dataset, *work)


def receive_dataset(dataset: Dataset, *, user: str, records: str = RECORD_DIRECTORY) -> str:
    """Return the root script that verifies the uploaded dataset and moves it into place.

    It fails if neither the recipe nor a checksum list proves that the upload is complete.
    """
    work = (_values(dataset, user, records), PREPARE, REQUIRE_CHECKSUM, INSTALL)
    nothing_new = f"[ ! -e {quote(staging_path(dataset))} ]"
    return _unless(
        f"{nothing_new} && {dataset_is_in_place(dataset, records=records)}", dataset, *work
    )


def dataset_is_in_place(dataset: Dataset, *, records: str = RECORD_DIRECTORY) -> str:
    """Return the command that succeeds if this very dataset is in place, a file in full length."""
    record, target = quote(f"{records}/{dataset.name}"), quote(dataset.target_path)
    return (
        f"{{ read -r digest && read -r bytes; }} 2> /dev/null < {record}"
        f' && [ "$digest" = {digest_of(dataset)} ]'
        f' && if [ -d {target} ]; then [ -n "$(ls --almost-all {target})" ];'
        f' else [ "$(stat --format=%s {target} 2> /dev/null)" = "$bytes" ]; fi'
    )


def datasets_are_in_place(datasets: Sequence[Dataset]) -> str:
    """Return the command that succeeds if all datasets are in place."""
    return " && ".join(["true", *(f"{{ {dataset_is_in_place(each)}; }}" for each in datasets)])


def print_missing(datasets: Sequence[Dataset], *, records: str = RECORD_DIRECTORY) -> str:
    """Return the command that prints the names of the datasets that are not in place, in lines."""
    probes = (
        f"{{ {dataset_is_in_place(each, records=records)}; }} || echo {quote(each.name)}"
        for each in datasets
    )
    return "\n".join(["true", *probes])


def _unless(probe: str, dataset: Dataset, *commands: str) -> str:
    message = quote(f"Dataset {dataset.name}: already there")
    return script(f"if {probe}; then echo {message}; else", *commands, "fi")


def _values(dataset: Dataset, user: str, records: str) -> str:
    return variables(
        name=dataset.name,
        source=dataset.source,
        redirects="=https" if dataset.source.startswith("https:") else "=http,https",
        sha256=dataset.sha256 or "",
        digest=digest_of(dataset),
        target=dataset.target_path,
        staging=str(PurePosixPath(staging_path(dataset)).parent),
        staged=staging_path(dataset),
        record=f"{records}/{dataset.name}",
        owner=user,
        silence_seconds=SILENCE_SECONDS,
    )
