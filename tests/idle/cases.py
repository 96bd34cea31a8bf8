"""The cases of the truth table: what somebody does, and whether the machine should then stop."""

from dataclasses import dataclass
from shlex import quote

COMPUTE = "while True: pass"
ASLEEP = "import time; time.sleep(100000)"
PRINT = "import time\nwhile True: print('step', flush=True); time.sleep(1)"
HASH = "hashlib.pbkdf2_hmac('sha256', b'a', b'b', 10**9)"
THREAD = f"""import hashlib, threading
for _ in range(24):
    threading.Thread(target=lambda: {HASH}, daemon=True).start()
"""
BURN = "for i in $(seq 24); do (while :; do :; done) & done; wait"
"""So many that together they get more than a tenth of a core also where much else runs."""
UNTIL_A_TERMINAL = "until ls /dev/pts/[1-9]*; do sleep 0.2; done"
PAPERMILL = "/opt/notebake/papermill/bin/papermill --kernel python3 burn.ipynb out.ipynb"


@dataclass(frozen=True)
class Case:
    """What somebody does on the machine, and what becomes of it."""

    name: str
    text: str
    stops: bool
    """What the person wants: it stops, or it goes on."""
    on_host: str = ""
    """What root starts on the host before the recording; `act` is somebody in JupyterLab."""
    login: str = ""
    """What somebody types after logging in by ssh, before they leave."""
    held: tuple[str, ...] = ()
    """What keeps an ssh connection open meanwhile: options, then a command."""
    types: bool = False
    """Whether somebody types into that connection each second."""
    uses: str = ""
    """What else is open meanwhile: a browser's `tab`, or an `upload`."""
    keep_seconds: float | None = None
    """A hold by tag, from the begin of the recording on."""


def cell(name: str, code: str) -> str:
    """Return what runs a cell in a notebook of that name and leaves once it runs."""
    return f"act cell {name}.ipynb {quote(code)}"


CASES = (
    Case("never-used", "started, and never used", True),
    Case("open-tab", "JupyterLab with a notebook is open in a browser, nobody there", True,
         cell("tab", "1"), uses="tab"),
    Case("held-tunnel", "a tunnel is held open, nothing in it", True,
         held=("-N", "-L", "17005:127.0.0.1:8887")),
    Case("computing-cell", "a cell computes and prints nothing", False, cell("silent", COMPUTE)),
    Case("sleeping-cell", "a cell waits for something and prints nothing, not yet for 6 h", False,
         cell("asleep", ASLEEP)),
    Case("printing-cell", "a cell prints now and then", False, cell("prints", PRINT)),
    Case("input", "a cell waits in `input()`, not yet for 6 h", False,
         cell("asks", "input('name? ')")),
    Case("thread", "a thread computes in a kernel that is idle", False, cell("thread", THREAD)),
    Case("idle-kernel", "a cell was run and is done, the page is closed", True, cell("done", "1")),
    Case("writing", "somebody writes in a notebook, which is saved; no cell is run", False,
         f"{cell('tab', '1')}\nkeep_acting write 300", uses="tab"),
    Case("nohup", "a nohup job computes, nobody is logged in", False,
         login=f"nohup sh -c {quote(BURN)} > /dev/null 2>&1 < /dev/null &"),
    Case("tmux", "a job computes in tmux, nobody is attached", False,
         login=f"tmux new-session -d {quote(BURN)}"),
    Case("tmux-idle", "a shell waits in tmux, nobody is attached", True,
         login="tmux new-session -d"),
    Case("service", "a service of the user's own computes", False,
         f"systemd-run --quiet --unit=own-job bash -c {quote(BURN)}"),
    Case("terminal-job", "a job computes in a terminal of JupyterLab and prints nothing", False,
         f"act terminal {quote(BURN)}"),
    Case("terminal-idle", "a terminal of JupyterLab is open, nothing runs in it", True,
         "act terminal true"),
    Case("terminal-top", "`top` was left in a terminal of JupyterLab", True, "act terminal top"),
    Case("terminal-typing", "somebody types in a terminal of JupyterLab", False,
         f"keep_acting typing 300\n{UNTIL_A_TERMINAL}", held=("-N", "-L", "17005:127.0.0.1:8887")),
    Case("ssh-idle", "an ssh login is open, nobody types", True, held=("-tt",)),
    Case("ssh-top", "`top` was left in an ssh login", True, held=("-tt", "top")),
    Case("ssh-typing", "somebody types in an ssh login", False, held=("-tt",), types=True),
    Case("papermill", "papermill runs a notebook, nobody is logged in", False,
         login=f"nohup {PAPERMILL} > /dev/null 2>&1 < /dev/null &"),
    Case("download", "a download of 200 kB/s runs, nobody is logged in", False,
         login="nohup curl URL --output big > /dev/null 2>&1 < /dev/null &"),
    Case("upload", "files are sent by sftp at 200 kB/s", False, uses="upload"),
    Case("jupyter-frozen", "JupyterLab runs and does not answer", False,
         "systemctl kill --signal=STOP notebake-jupyter.service"),
    Case("jupyter-stopped", "JupyterLab was stopped, nobody is logged in", True,
         "systemctl stop notebake-jupyter.service"),
    Case("hold", "kept for some hours, not used", False, keep_seconds=3600),
    Case("hold-run-out", "kept for some hours, which are over, not used", True, keep_seconds=-1),
)  # fmt: skip
