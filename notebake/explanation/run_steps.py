"""The steps of a bake under the headings of the tutorial, each with what it is for.

The tutorial is CloudBank's *Use a cloud virtual machine as a Jupyter notebook server*; its
headings and their order are those of its extended version.
"""

from typing import NamedTuple

from notebake.explanation.recorded_calls import OTHER, TEAR_DOWN


class Heading(NamedTuple):
    """A heading of the tutorial, and the steps under it."""

    title: str
    steps: tuple[str, ...]


HEADINGS = (
    Heading(
        "Start a machine in the cloud",
        ("preflight", "import_key_pair", "open_ssh", "launch_instance"),
    ),
    Heading("Log on to it from your own computer", ("wait_for_host",)),
    Heading("Mount the added storage drives", ("mount_volumes",)),
    Heading(
        "Install the JupyterLab notebook server",
        ("install_packages", "install_software", "start_jupyter", "check_server"),
    ),
    Heading(
        "Configure the machine for research",
        ("clone_repository", "fetch_datasets", "install_papermill", "run_notebook"),
    ),
    Heading(
        "Create an image (AMI) of it",
        (
            "snapshot_disks",
            "clean_host",
            "stop_builder",
            "request_image",
            "wait_for_image",
            "restart_host",
        ),
    ),
    Heading("Try the image, then share it", ("launch_acceptance", "prove_image", "publish_image")),
    Heading("Terminate the machines", (TEAR_DOWN,)),
    Heading("Other calls of this run", (OTHER,)),
)
TITLES = {TEAR_DOWN: "Remove what was temporary", OTHER: "What else was asked of AWS"}
PURPOSES = {
    "preflight": (
        "Finds out, before anything costs money, who you are to AWS, in which region you work, and"
        " from which image the machine starts: a bare one, with an operating system and nothing"
        " else."
    ),
    "import_key_pair": (
        "A key pair is how you log in without a password: AWS puts the public half on the"
        " machine, the private half stays with you."
    ),
    "open_ssh": (
        "A security group is the machine's firewall: nothing comes in but ssh, at port 22, and"
        " that only from the addresses named in it."
    ),
    "launch_instance": (
        "Rents a machine, which AWS calls an instance: it gets disks of the sizes named here,"
        " a copy of the base image on the first of them, and your public key."
    ),
    "wait_for_host": (
        "The machine boots, as any computer does. Once it has an address you log in to it by ssh:"
        " what you type then runs there."
    ),
    "mount_volumes": (
        "A new disk is blank: it gets a file system, a place in the tree of folders, and a line"
        " in /etc/fstab so that it is there again after a restart."
    ),
    "install_packages": "Installs programs that come with the operating system, such as git.",
    "install_software": (
        "Python with JupyterLab and the packages of your research, in a folder of its own."
    ),
    "start_jupyter": (
        "JupyterLab is a program that runs on the machine and shows notebooks in a browser. It"
        " listens on the machine itself only, so nobody else on the internet can reach it."
    ),
    "check_server": (
        "An ssh tunnel joins a port of your computer to one of the machine: your browser talks to"
        " JupyterLab as if it ran on your desk."
    ),
    "clone_repository": "Brings the notebooks, and remembers from which version they are.",
    "fetch_datasets": "Brings the data.",
    "install_papermill": "papermill runs a notebook from its first cell to its last, unwatched.",
    "run_notebook": (
        "Proves that the machine does what it is for: each cell runs, and the figures are drawn."
    ),
    "snapshot_disks": (
        "AWS copies only what has changed since a disk's last snapshot. So one is taken while the"
        " machine still works: then the image has little left to copy, and is there sooner."
    ),
    "clean_host": (
        "Everybody who starts the image gets what is on its disks. So passwords, keys, histories"
        " and whatever makes this machine unique go first."
    ),
    "stop_builder": (
        "Stopped is like switched off: the disks are at rest, so the image is whole. A stopped"
        " machine costs nothing by the hour, but its disks do."
    ),
    "request_image": (
        "An image (AMI) is a snapshot of all disks, from which any number of machines can be"
        " started."
    ),
    "wait_for_image": "AWS copies the disks in the background, which takes minutes.",
    "restart_host": (
        "Starts the first machine again, to see that disks and JupyterLab come back by themselves."
    ),
    "launch_acceptance": (
        "An image is good if a machine that starts from it works. notebake tries two, with"
        " another key, as somebody else would."
    ),
    "prove_image": (
        "The new machine must let you in, have its disks and JupyterLab, and run the same"
        " notebook with the same results."
    ),
    "publish_image": (
        "An image is private. To share it you name the 12-digit AWS accounts that may start"
        " machines from it; its snapshots are shared so that they may copy it, too."
    ),
    TEAR_DOWN: (
        "Terminated means gone for good, with its disks: nothing of it costs anything any more."
        " A machine that is forgotten is paid for until somebody ends it."
    ),
    OTHER: "Calls that belong to no step of a bake.",
}
