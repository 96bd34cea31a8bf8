"""A setting of sshd for those who work on a host from a laptop that sleeps."""

from notebake.commands.shell import write_file

DROP_IN_FOLDER = "/etc/ssh/sshd_config.d"
DROP_IN = f"{DROP_IN_FOLDER}/60-notebake.conf"
SETTINGS = """\
# A client that does not answer for 45 s is gone. Until sshd knows that, its tunnels swallow what is
# sent to it; afterwards JupyterLab keeps what cells print, and sends it when the client is back.
ClientAliveInterval 15
ClientAliveCountMax 3
"""


def notice_lost_clients() -> str:
    """Return the command that makes sshd give up clients that do not answer.

    Each new connection reads the setting. An sshd without the folder reads no such files.
    """
    return f"if [ -d {DROP_IN_FOLDER} ]; then\n{write_file(DROP_IN, SETTINGS)}\nfi"
