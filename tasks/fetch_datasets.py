"""Brings the datasets to the builder, checked by checksum; the host never sees their credentials.

Needs   the mounted volumes
Gives   Done: every file or folder is in its place; what the sources said is in the run store
Costs   nothing of its own
"""

from shlex import quote

from notebake.commands.datasets import (
    datasets_are_in_place,
    fetch_dataset,
    prepare_staging,
    print_missing,
    receive_dataset,
)
from notebake.images.updates.kept_states import keep_states
from notebake.machines.builder import builder_host
from notebake.machines.dataset_relay import relay_dataset
from notebake.machines.fitness import naming_full_disk
from notebake.machines.host_step import Product, find_on_host, make_on_host
from notebake.recipe import Dataset
from notebake.runbook.step import Done, Step
from notebake.runs.run import Run
from notebake.ssh import remote as ssh
from notebake.ssh.host import Host

NAME = "fetch_datasets"
FETCH_SECONDS = 6 * 3600


def find(run: Run) -> Done | None:
    """Return the result if every dataset is in its place."""
    return find_on_host(run, NAME, product=product_of(run))


def product_of(run: Run) -> Product:
    """Return how the datasets are checked, and how many these are."""
    datasets = run.recipe.datasets
    number = f"{len(datasets)} datasets" if datasets else "no datasets"
    return Product(datasets_are_in_place(datasets), number)


def make(run: Run) -> Done:
    """Let the host download public datasets; copy those to it that need credentials."""
    host = builder_host(run)
    names = ssh.run_command(host, print_missing(run.recipe.datasets)).splitlines()
    missing = [dataset for dataset in run.recipe.datasets if dataset.name in names]
    keep_states(run, missing)
    scripts = []
    for dataset in run.recipe.datasets:
        if dataset.source.startswith("http"):
            scripts.append(fetch_dataset(dataset, user=host.user))
        elif dataset in missing:
            scripts.append(relay(run, host, dataset))
    return make_on_host(run, NAME, scripts, product=product_of(run), timeout_seconds=FETCH_SECONDS)


def relay(run: Run, host: Host, dataset: Dataset) -> str:
    """Copy a dataset to the host, and return the script that moves it into place."""
    staging = prepare_staging(dataset, user=host.user)
    ssh.run_command(host, f"sudo bash -c {quote(staging)}")
    with naming_full_disk(host):
        relay_dataset(host, dataset, run.recipe.region)
    return receive_dataset(dataset, user=host.user)


STEP = Step(NAME, "Fetch the datasets", find, make)
