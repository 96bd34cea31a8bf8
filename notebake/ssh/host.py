"""A host: a machine as ssh sees it."""

from notebake.record import Record

SSH_PORT = 22


class Host(Record):
    """A machine as ssh sees it."""

    instance_id: str
    address: str
    user: str
    private_key_path: str
    host_key: str
    """The expected host key, as `ssh-ed25519 AAAA…`: no key is trusted on first use."""
