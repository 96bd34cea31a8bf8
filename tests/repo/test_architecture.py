"""What may import what, read from the sources: the table of ARCHITECTURE.md, kept true."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.cli.commands import COMMANDS

ROOT = Path(__file__).parents[2]
OURS = {"benchmarks", "deployments", "flows", "notebake", "sandbox", "tasks", "tests"}
AWS = {"boto3", "botocore"}
SSH = {"asyncssh", "fabric", "invoke", "paramiko"}
# What reaches out: to the network, to other programs, to the clock of a wait.
REACHING = {"httpx", "requests", "socket", "subprocess", "urllib.request", "websockets", *AWS, *SSH}
ORDER = (
    {"explanation"},
    {"acceptance", "preflight", "servers"},
    {"machines"},
    {"images", "reports"},
    {"notebook", "resources"},
    {"runbook"},
    {"runs"},
    {"costs"},
    {"aws", "jupyter"},
    {"ssh"},
    {"commands", "ledger"},
    {"recipe", "store"},
    {"apt", "conda", "credentials", "local"},
    {""},
)
"""The folders of notebake, from the top down: each imports only what stands below it. The files
beside the folders are the lowest."""
PURE = {
    "commands": set[str](),
    "conda": {"configuration", "environment", "lock", "prefix"},
    "costs": {"list_prices", "monthly"},
    "credentials": set[str](),
    "notebook": {"execute", "failure_hints", "kept_results"},
    "recipe": set[str](),
}
"""Folders that reach nothing, each but for some modules: those of conda run on the host."""
PURE_MODULES = {
    f"notebake.{module}"
    for module in ("aws.names", "error_excerpt", "errors", "humanize", "record",
                "runbook.plan", "runbook.progress")
}  # fmt: skip
READS_FILES = {
    f"notebake.{module}"
    for module in ("costs.awards", "costs.estimate", "costs.prices", "recipe.file")
}
"""Pure but for reading: a bundled table, or the very files that they look through."""


def modules(*folders: str) -> Iterator[str]:
    """Give the dotted names of all modules below folders."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "repositories" not in path.parts:
                name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
                yield name.removesuffix(".__init__")


def source(module: str) -> ast.Module:
    path = ROOT.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(file.read_text(encoding="utf-8"))


def imports(module: str, *, at_once: bool = False) -> set[str]:
    """Return all that a module imports, or only what it imports as soon as it is imported."""
    found: set[str] = set()
    nodes = list(source(module).body) if at_once else list(ast.walk(source(module)))
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: say where from, not how far up"
            found |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def reached(module: str) -> set[str]:
    """Return the packages and submodules that a module imports, cut where they are known."""
    names = imports(module)
    return {name.split(".")[0] for name in names} | {
        ".".join(name.split(".")[:2]) for name in names
    }


def folder_of(module: str) -> str:
    """Return in which folder of notebake a module lies; "" beside the folders."""
    parts = module.split(".")
    return parts[1] if ROOT.joinpath(*parts[:2]).is_dir() and len(parts) > 1 else ""


def is_pure(module: str) -> bool:
    """Tell whether a module is one that must reach nothing."""
    folder = folder_of(module)
    within = folder in PURE and module.rpartition(".")[2] not in PURE[folder]
    return within or module in PURE_MODULES


@pytest.mark.parametrize(
    ("folder", "barred"),
    [
        ("flows", {*AWS, *SSH, "sandbox", "deployments", "tests"}),
        ("tasks", {*AWS, *SSH, "prefect", "flows", "sandbox", "deployments", "tests"}),
        ("notebake", {"prefect", "flows", "tasks", "sandbox", "deployments", "tests", "moto"}),
        ("sandbox", OURS - {"sandbox"}),
    ],
)
def test_a_layer_imports_nothing_above_or_beside_it(folder: str, barred: set[str]) -> None:
    found = {module: reached(module) & barred for module in modules(folder)}

    assert len(found) > 5, "the folder is where we look for it"
    assert {module: names for module, names in found.items() if names} == {}


def test_only_the_aws_folder_calls_aws() -> None:
    speakers = {module for module in modules("notebake", "flows", "tasks") if reached(module) & AWS}

    names = (
        *("addresses", "certificate", "client_hooks", "clients", "command_line"),
        *("credentials_end", "error_codes", "refusals", "session", "settings"),
    )
    assert speakers == {f"notebake.aws.{module}" for module in names}


def test_only_the_ssh_folder_speaks_ssh() -> None:
    speakers = {module for module in modules("notebake", "flows", "tasks") if reached(module) & SSH}

    assert {folder_of(module) for module in speakers} == {"ssh"}


def test_no_task_imports_another_task() -> None:
    steps = {module for module in modules("tasks") if module != "tasks"}

    assert {step for step in steps for name in imports(step) if name in steps - {step}} == set()


def test_only_flows_import_prefect() -> None:
    knowing = {module for module in modules(*(OURS - {"tests"})) if "prefect" in reached(module)}

    assert {module.split(".")[0] for module in knowing} == {"flows"}


@pytest.mark.parametrize("module", [module for module in modules("notebake") if is_pure(module)])
def test_pure_modules_do_no_io(module: str) -> None:
    # The search for credentials runs alone on the host, where it is asked to look at everything.
    is_search = folder_of(module) == "credentials"
    assert reached(module) & (set() if is_search else REACHING) == set()
    impure = {
        f"notebake.{folder}" for folder in ("aws", "ssh", "runs", "machines", "waiting", "local")
    }
    assert {name for name in imports(module) if ".".join(name.split(".")[:2]) in impure} == set()
    if not is_search and module not in READS_FILES:
        assert {"pathlib.Path", "os", "shutil", "tempfile"} & imports(module) == set()


def test_every_listed_pure_module_exists() -> None:
    every = set(modules("notebake"))

    assert every >= PURE_MODULES | READS_FILES
    assert {folder_of(module) for module in every} >= set(PURE)
    assert every >= {
        f"notebake.{folder}.{module}" for folder, some in PURE.items() for module in some
    }


@pytest.mark.parametrize("folder", sorted(set.union(*ORDER)))
def test_folders_of_notebake_import_downwards_only(folder: str) -> None:
    level = {folder: number for number, row in enumerate(reversed(ORDER)) for folder in row}
    every = {module for module in modules("notebake") if module != "notebake"}
    assert {folder_of(module) for module in every} == set(level)

    upwards = {
        (module, name)
        for module in every
        if folder_of(module) == folder
        for name in imports(module) & every
        if folder_of(name) != folder and level[folder_of(name)] >= level[folder]
    }

    assert upwards == set()


@pytest.mark.parametrize("module", ["flows.cli.main", *(command.module for command in COMMANDS)])
def test_the_command_line_imports_slow_modules_late(module: str) -> None:
    ours, seen, outside = set(modules("flows", "notebake")), set[str](), set[str]()
    waiting = {module}
    while waiting:
        seen |= waiting
        names = {name for each in waiting for name in imports(each, at_once=True)}
        outside |= {name.split(".")[0] for name in names}
        waiting = (names & ours) - seen

    assert "argparse" in outside, "the sources were read"
    assert outside - set(sys.stdlib_module_names) <= {"flows", "notebake"}


def test_only_the_sandbox_s_programs_print() -> None:
    printing = {
        module
        for module in modules("flows", "notebake", "tasks")
        for node in ast.walk(source(module))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    }

    assert printing == set()


@pytest.mark.parametrize("module", list(modules("notebake/credentials")))
def test_the_credential_search_needs_only_the_standard_library(module: str) -> None:
    outside = {name for name in imports(module) if not name.startswith("notebake.credentials")}
    assert {name.split(".")[0] for name in outside} <= set(sys.stdlib_module_names)


def test_the_notebake_package_has_few_entries() -> None:
    entries = [path for path in (ROOT / "notebake").iterdir() if path.name != "__pycache__"]
    files = [path for path in entries if path.is_file()]

    assert len(entries) <= 33
    assert len(files) <= 14
