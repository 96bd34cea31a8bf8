"""The idle stop on a host: its program, its settings, and the timer that runs it each minute.

It is in every image, and acts only on an instance with the tag `notebake:server` whose metadata
service shows it.
"""

import json

from notebake.commands.shell import script, variables, write_file

TIMER = "notebake-idle.timer"
SERVICE = "notebake-idle.service"
PROGRAM_FOLDER = "/opt/notebake/idle"
SETTINGS_FILE = "/etc/notebake/idle.json"
UNIT_DIRECTORY = "/etc/systemd/system"
PROGRAM_DIGEST = "e7930532cf533d88"
"""Of the program and of these texts: another program is another product of its step."""

SERVICE_UNIT = f"""\
[Unit]
Description=Look whether this server is used, and stop it if not
After=notebake-jupyter.service

[Service]
Type=oneshot
ExecStart=/usr/bin/python3 -I {PROGRAM_FOLDER}
TimeoutStartSec=90
# EC2 shows the console to whoever may see the server, without a login.
StandardOutput=journal+console
SyslogIdentifier=notebake-idle
# systemd's own lines about each start would fill the journal.
LogLevelMax=notice
"""
TIMER_UNIT = """\
[Unit]
Description=Look each minute whether this server is used

[Timer]
OnActiveSec=20
OnUnitActiveSec=60
AccuracySec=5

[Install]
WantedBy=timers.target
"""
INSTALL = r"""
folder=$program_folder
rm --recursive --force "$folder.new"
mkdir --parents "$folder.new"
echo "$program" | base64 --decode > "$folder.new/program.zip"
python3 -I -m zipfile --extract "$folder.new/program.zip" "$folder.new"
rm "$folder.new/program.zip"
rm --recursive --force "$folder"
mv --no-target-directory "$folder.new" "$folder"
"""


def install_idle_stop(*, program: str, port: int, folder: str) -> str:
    """Return the root script that installs and enables the idle stop, and runs a first check.

    Args:
        program: The zipped program in base64, from `machines/idle_program.py`.
        port: JupyterLab's port on the host.
        folder: The folder that JupyterLab shows.
    """
    settings = {"jupyter_port": port, "jupyter_folder": folder}
    return script(
        variables(program_folder=PROGRAM_FOLDER, program=program),
        INSTALL,
        write_file(SETTINGS_FILE, f"{json.dumps(settings, indent=1)}\n"),
        write_file(f"{UNIT_DIRECTORY}/{SERVICE}", SERVICE_UNIT),
        write_file(f"{UNIT_DIRECTORY}/{TIMER}", TIMER_UNIT),
        "systemctl daemon-reload",
        f"systemctl --quiet enable {TIMER}",
        # The check shows that the program runs with this host's Python.
        f"systemctl start {SERVICE} {TIMER}",
    )


def idle_stop_is_enabled() -> str:
    """Return the command that succeeds if the timer starts at each boot and runs now."""
    return (
        f"{{ systemctl is-enabled --quiet {TIMER} && systemctl is-active --quiet {TIMER}; }}"
        f" || {{ echo '{TIMER} is not enabled, or does not run: the machine would not stop when"
        " nobody uses it' >&2; false; }"
    )
