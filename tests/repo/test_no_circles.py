"""No file imports itself by way of others, and the folders of sandbox/ import downwards only.

Every import statement counts: those for types only and those within functions, too.
"""

from collections.abc import Mapping

import pytest

from tests.repo.test_architecture import imports, modules

TOPS = ("benchmarks", "deployments", "flows", "notebake", "sandbox", "tasks")
# Folders and files, the lowest first: what stands in one line knows nothing of the others there.
ORDER = {
    "sandbox": (
        ("errors", "clock"),
        ("files", "programs"),
        ("home", "twists", "messages", "faults"),
        ("hosts",),
        ("ec2",),
        ("services", "validation", "injection", "archives"),
        ("api", "control"),
        ("__main__",),
    ),
    "sandbox.ec2": (
        ("errors", "model"),
        ("state",),
        ("storage",),
        ("instances",),
        ("images",),
        ("calls",),
    ),
}


def graph_of(top: str) -> dict[str, set[str]]:
    """Return which modules below a top folder each of them imports, wherever it does so."""
    known = set(modules(top))
    return {module: (imports(module) & known) - {module} for module in sorted(known)}


def reachable(graph: Mapping[str, set[str]], start: str) -> set[str]:
    """Return what a node leads to, by one edge or by several."""
    found: set[str] = set()
    waiting = set(graph[start])
    while waiting:
        found |= waiting
        waiting = set().union(*(graph[node] for node in waiting)) - found
    return found


def circles(graph: Mapping[str, set[str]]) -> set[frozenset[str]]:
    """Return every strongly connected component of more than one node."""
    ahead = {node: reachable(graph, node) for node in graph}
    groups = {
        frozenset({node, *(other for other in ahead[node] if node in ahead[other])})
        for node in graph
    }
    return {group for group in groups if len(group) > 1}


def shown(found: set[frozenset[str]]) -> str:
    return "\n".join("circle: " + ", ".join(sorted(group)) for group in found)


@pytest.mark.parametrize("top", TOPS)
def test_there_are_no_import_cycles(top: str) -> None:
    graph = graph_of(top)

    assert len(graph) > 2, "the folder is where we look for it"
    assert shown(circles(graph)) == ""


def test_imports_are_read_from_the_sources() -> None:
    assert "sandbox.clock" in graph_of("sandbox")["sandbox.ec2.state.core"]


def test_an_import_cycle_is_detected_and_printed() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set(), "e": {"a"}}

    assert circles(graph) == {frozenset("abc")}
    assert shown(circles(graph)) == "circle: a, b, c"


@pytest.mark.parametrize("folder", ORDER)
def test_folders_import_downwards_only(folder: str) -> None:
    level = {name: number for number, line in enumerate(ORDER[folder]) for name in line}
    depth = folder.count(".") + 1
    edges = {
        (source.split(".")[depth], target.split(".")[depth])
        for source, targets in graph_of("sandbox").items()
        for target in targets
        if all(name.startswith(f"{folder}.") for name in (source, target))
    }
    across = {(source, target) for source, target in edges if source != target}

    assert {name for edge in across for name in edge} == set(level), "every part is in the order"
    assert {edge for edge in across if level[edge[0]] <= level[edge[1]]} == set()
