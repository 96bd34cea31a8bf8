"""What a person types on the machine to install what the recipe asks for."""

from shlex import quote

from notebake.commands.efs import PACKAGE, PACKAGES_URL
from notebake.commands.software import ROOT
from notebake.explanation.document import Action, on_machine
from notebake.explanation.run_facts import RunFacts
from notebake.recipe import Software

PYTHON = f"{ROOT}/python"
PAPERMILL = f"{ROOT}/papermill"
MINIFORGE = "https://github.com/conda-forge/miniforge/releases/latest/download"
ALWAYS = ("jupyterlab", "ipykernel", "pip")
NEEDED = ("git", "curl", "python3-venv")
"""What the steps of a build need of the distribution."""


def packages(facts: RunFacts) -> list[Action]:
    """Return how the distribution's packages are installed."""
    names = [*NEEDED, *(name for name in facts.recipe.software.apt if name not in NEEDED)]
    install = _filled("sudo apt-get install --yes", names)
    client = [_efs_client(facts.recipe.efs_client.version)] if facts.recipe.efs else []
    return [on_machine("sudo apt-get update", install), *client]


def _efs_client(version: str) -> Action:
    return on_machine(
        ". /etc/os-release",
        f"site={PACKAGES_URL}/$VERSION_ID/pool/main/a/{PACKAGE}",
        "architecture=$(dpkg --print-architecture)",
        f"wget -O client.deb \\\n    $site/{PACKAGE}-{version}_$architecture.deb",
        "sudo apt-get install --yes ./client.deb",
        note="AWS's client of EFS, which Ubuntu does not have.",
    )


def environment(facts: RunFacts) -> list[Action]:
    """Return how the Python environment with JupyterLab is made."""
    software = facts.recipe.software
    own = f"sudo install --directory --owner={facts.user} {ROOT}"
    lines = _by_conda(software) if software.manager == "conda" else _by_pip(software)
    note = (
        f"Whatever is newest today. The versions of this run are in {facts.locks_place}"
        " (requirements.txt), from which pip install -r installs the same ones."
        if software.manager == "pip"
        else f"The versions of this run are in {facts.locks_place} (conda-explicit.txt)."
    )
    more = " requirements.txt is the recipe's own list." if software.requirements else ""
    return [on_machine(own, *lines, note=note + more)]


def papermill(_: RunFacts) -> list[Action]:
    """Return how papermill is installed, with the kernel of the environment beside it."""
    return [
        on_machine(
            f"python3 -m venv {PAPERMILL}",
            f"{PAPERMILL}/bin/pip install papermill",
            f"{PYTHON}/bin/python -m ipykernel install \\\n    --prefix {PAPERMILL}",
            note="In a folder of its own, so that the image has only what was asked for.",
        )
    ]


def _by_pip(software: Software) -> list[str]:
    names = [quote(name) for name in (*ALWAYS, *software.packages)]
    more = ["-r requirements.txt"] if software.requirements else []
    install = _filled(f"{PYTHON}/bin/pip install", [*names, *more])
    return [f"python3 -m venv {PYTHON}", install]


def _by_conda(software: Software) -> list[str]:
    python = [f"python={software.python}"] if software.python else []
    names = [quote(name) for name in (*ALWAYS, *python, *software.packages)]
    lines = [
        f"wget -O miniforge.sh {MINIFORGE}/\\\nMiniforge3-Linux-$(uname -m).sh",
        f"bash miniforge.sh -b -p {ROOT}/conda",
        _filled(f"{ROOT}/conda/bin/conda create --yes --prefix {PYTHON}", names),
    ]
    if software.requirements:
        update = f"{ROOT}/conda/bin/conda env update --prefix {PYTHON}"
        lines.append(f"{update} \\\n    --file environment.yml")
    if software.pip:
        lines.append(_filled(f"{PYTHON}/bin/pip install", [quote(name) for name in software.pip]))
    return lines


def _filled(command: str, words: list[str], width: int = 70) -> str:
    """Return a command with its words, as many on a line as fit."""
    lines = [command]
    for word in words:
        if len(lines[-1]) + len(word) + 1 > width:
            lines[-1] += " \\"
            lines.append(f"    {word}")
        else:
            lines[-1] += f" {word}"
    return "\n".join(lines)
