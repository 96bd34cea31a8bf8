"""What machines from an image showed, and why the image may be accepted."""

from notebake.aws.model import Instance
from notebake.notebook.verdict import NotebookVerdict
from notebake.record import Record


class Machines(Record):
    """The machines that were launched from a new image to prove it."""

    instances: tuple[Instance, ...]

    @property
    def detail(self) -> str:
        return ", ".join(instance.id for instance in self.instances)


class MachineEvidence(Record):
    """What one machine from an image showed."""

    instance_id: str
    instance_type: str
    host_key: str
    machine_id: str
    jupyter_version: str
    verdict: NotebookVerdict
    compared: int = 0
    """How many of its numbers were compared with the builder's and are equal."""
    login_methods: tuple[str, ...] = ()
    """Ways to log in other than by the keys on the machine."""


class Proof(Record):
    """Why an image may be accepted."""

    image_id: str
    sentences: tuple[str, ...]

    @property
    def detail(self) -> str:
        return self.sentences[-1]
