"""Completions for the Tab key: run ids, recipes, directories.

argcomplete passes the typed part of the word, and the arguments before it.
"""

import argparse
from collections.abc import Iterator

RECIPES = "deployments/"
"""The folder whose recipes are also offered for an empty word."""
SUFFIXES = (".yaml", ".yml")


def find_run_ids(prefix: str, parsed_args: argparse.Namespace, **_: object) -> dict[str, str]:
    """Return the ids of the runs in the run store. A directory is read without importing boto3."""
    from notebake.runs.open_store import default_location, open_store

    store = open_store(parsed_args.store or default_location())
    ids = [name for name in store.list_top_level() if name.startswith(prefix)]
    paths = {id: store.local_path(f"{id}/run.json") for id in ids}
    return {id: "" for id, path in paths.items() if path is None or path.exists()}


def find_recipes(prefix: str, **_: object) -> dict[str, str]:
    """Return the recipes and folders that start with the prefix, and those of `deployments`."""
    paths = [*_paths(prefix), *(_paths(RECIPES) if RECIPES.startswith(prefix) else ())]
    return {path: "" for path in paths if path.endswith(("/", *SUFFIXES))}


def find_directories(prefix: str, **_: object) -> dict[str, str]:
    """Return the directories whose paths start with the prefix."""
    return {path: "" for path in _paths(prefix) if path.endswith("/")}


def find_opened_servers(prefix: str, **_: object) -> dict[str, str]:
    """Return the names of the servers that were opened on this computer."""
    from notebake.servers.folders import ELSEWHERE, servers_folder

    folders = [path.parent.name for path in servers_folder().glob("*/*/reached.json")]
    names = {folder.partition(ELSEWHERE)[0] for folder in folders}
    return {name: "" for name in sorted(names) if name.startswith(prefix)}


def find_explainable(
    prefix: str, parsed_args: argparse.Namespace, **more: object
) -> dict[str, str]:
    """Return the ids of runs, and the names of the servers that were opened on this computer."""
    runs = find_run_ids(prefix, parsed_args, **more)
    return {**find_opened_servers(prefix), **runs}


def _paths(prefix: str) -> Iterator[str]:
    """Yield the paths that start with the prefix; folders end with a slash."""
    from pathlib import Path

    typed, slash, name = prefix.rpartition("/")
    folder = Path(f"{typed}{slash}").expanduser()
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        is_hidden = path.name.startswith(".") and not name.startswith(".")
        if path.name.startswith(name) and not is_hidden:
            yield f"{typed}{slash}{path.name}{'/' if path.is_dir() else ''}"
