"""A host: a machine as ssh sees it."""

from notebake.record import Record


class Host(Record):
    """A machine as ssh sees it."""

    instance_id: str
    address: str
    user: str
    private_key_path: str
    host_key: str
    """The key it must show, as `ssh-ed25519 AAAA…`: nothing is trusted on first use."""
