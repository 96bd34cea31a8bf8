"""What a person types on the machine to bring data and notebooks, to try them, and to clean up."""

from pathlib import PurePosixPath
from shlex import quote
from urllib.parse import urlsplit

from notebake.commands.volumes import flush_disks
from notebake.explanation.call_actions import waiting
from notebake.explanation.document import Action, in_browser, on_computer, on_machine
from notebake.explanation.host_software import PAPERMILL, PYTHON
from notebake.explanation.login_lines import login_line, tunnel_line
from notebake.explanation.run_facts import RunFacts
from notebake.recipe import Dataset
from notebake.servers.ports import FIRST_PORT


def datasets(facts: RunFacts) -> list[Action]:
    """Return how the datasets are fetched."""
    return [action for each in facts.recipe.datasets for action in _dataset(each, facts)]


def _dataset(dataset: Dataset, facts: RunFacts) -> list[Action]:
    path = quote(dataset.target_path)
    scheme, source = urlsplit(dataset.source).scheme, quote(dataset.source)
    if scheme in ("http", "https"):
        listed = quote(f"{dataset.sha256}  {dataset.target_path}")
        check = [f"echo {listed} | sha256sum --check"]
        return [
            on_machine(
                "curl --fail --globoff --location --create-dirs"
                f" \\\n    --output {path} \\\n    {source}",
                *(check if dataset.sha256 else []),
            )
        ]
    note = "On your own computer, which has the right to read it: no key of a source goes on to"
    note += " a machine that becomes an image."
    there = f"{facts.user}@{facts.address}:{path}"
    copy = f"scp -r -i {quote(facts.key())} {quote(dataset.name)} \\\n    {there}"
    if scheme == "s3":
        whole = " --recursive" if dataset.source.endswith("/") or not dataset.sha256 else ""
        return [
            on_computer(f"aws s3 cp{whole} \\\n    {source} {quote(dataset.name)}\n{copy}", note)
        ]
    where = urlsplit(dataset.source)
    place = f"{where.username}@{where.hostname}" if where.username else str(where.hostname)
    fetch = f"sftp -r {quote(f'{place}:{where.path}')} {quote(dataset.name)}"
    return [on_computer(f"{fetch}\n{copy}", note)]


def repository(facts: RunFacts) -> list[Action]:
    """Return how the repository is cloned."""
    repository, path = facts.recipe.repository, facts.recipe.repository_path
    if repository is None or path is None:
        return []
    modules = " --recurse-submodules" if repository.submodules else ""
    commit = facts.summary.commit
    note = f"In this run it was at commit {commit}." if commit else ""
    return [
        on_machine(
            f"git clone{modules} \\\n    {quote(repository.url)} {quote(path)}",
            *(
                [f"git -C {quote(path)} checkout {quote(repository.ref)}"]
                if repository.ref != "HEAD"
                else []
            ),
            note=note,
        )
    ]


def jupyter(facts: RunFacts) -> list[Action]:
    """Return how JupyterLab is started."""
    return [
        on_machine(
            f"({PYTHON}/bin/jupyter lab --no-browser \\\n"
            f"    --ip=127.0.0.1 --port={facts.recipe.jupyter_port}) &",
            note="It prints a token, the password of this one server; `jupyter server list` prints"
            " it again. notebake makes it a service instead, notebake-jupyter, which comes back"
            " after each restart, with a token that each machine makes for itself.",
        )
    ]


def browser(facts: RunFacts) -> list[Action]:
    """Return how JupyterLab is used through a tunnel."""
    port = facts.recipe.jupyter_port
    return [
        on_computer(tunnel_line(facts, FIRST_PORT, port)),
        in_browser(
            f"http://localhost:{FIRST_PORT}", "Paste the token, open a notebook, run a cell."
        ),
    ]


def notebook(facts: RunFacts) -> list[Action]:
    """Return how the notebook is executed from its first cell to its last."""
    wanted, base = facts.recipe.notebook, facts.recipe.repository_path
    if not wanted.path or not base:
        return [
            on_machine(
                f"{PAPERMILL}/bin/papermill NOTEBOOK.ipynb executed.ipynb",
                note="NOTEBOOK.ipynb is any notebook; the recipe names none, so this run has taken"
                " notebake's own, which looks at the disks and draws a figure.",
            )
        ]
    source = PurePosixPath(base) / wanted.path
    folder = PurePosixPath(base) / (wanted.working_directory or PurePosixPath(wanted.path).parent)
    given = "".join(
        f" \\\n    -p {name} {quote(str(value))}" for name, value in wanted.parameters.items()
    )
    return [
        on_machine(
            f"cd {quote(str(folder))}",
            f"{PAPERMILL}/bin/papermill --kernel {wanted.kernel}{given} \\\n"
            f"    {quote(str(source))} /tmp/executed.ipynb",
            note="Or open it in the browser, and choose Run > Run All Cells.",
        )
    ]


def flushing(_: RunFacts) -> list[Action]:
    """Return how a machine writes what it has in memory."""
    return [on_machine(flush_disks(), note="Writes to the disks what is still in memory only.")]


def cleaning(facts: RunFacts) -> list[Action]:
    """Return how a machine is made fit to be copied."""
    places = " ".join(
        quote(volume.mount_point) for volume in facts.recipe.volumes if volume.is_in_image
    )
    return [
        on_machine(
            "grep -rIlE 'AKIA[0-9A-Z]{16}|BEGIN [A-Z ]*PRIVATE KEY' \\\n"
            f"    /home/{facts.user} {places}".rstrip(),
            note="Lists files that hold an access key or a private key. There must be none.",
        ),
        on_machine(
            "sudo apt-get clean",
            "rm -f ~/.bash_history",
            "sudo rm -f /etc/ssh/ssh_host_*",
            "sudo truncate --size=0 /etc/machine-id",
            "sudo cloud-init clean --logs",
            "rm -f ~/.ssh/authorized_keys",
            note="The last line takes away your own login, too. A machine from the image gets the"
            " key of whoever starts it.",
        ),
    ]


def coming_back(facts: RunFacts) -> list[Action]:
    """Return how a restarted machine is looked at."""
    points = [quote(volume.mount_point) for volume in facts.recipe.volumes]
    return [
        on_computer(waiting("instance-running", facts.recipe.region, facts.builder_id)),
        on_computer(
            login_line(facts, facts.builder_id), "The address may be another one after a restart."
        ),
        on_machine(*(f"findmnt {point}" for point in points), "systemctl status notebake-jupyter"),
    ]
