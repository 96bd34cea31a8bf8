"""Holds a server open at the terminal: the page in the browser, the state, the keys."""

import asyncio
import http.client
import shlex
import signal
from contextlib import suppress

from flows.terminal.key_presses import key_presses
from flows.terminal.open_keys import ACTIONS, SSH_KEY
from flows.terminal.open_view import OpenView
from notebake.local.atomic_files import delete_file, write_file
from notebake.local.process import is_dead, this_process
from notebake.servers.background import run_in_background
from notebake.servers.folders import Reached, folder_of
from notebake.servers.locate import Question, Search
from notebake.servers.login_page import PAGE_NAME, open_browser, ssh_command
from notebake.servers.opening import Opening
from notebake.servers.opening_view import Opened
from notebake.servers.place import holder_of, process_path
from notebake.servers.ports import is_free, keep_port
from notebake.servers.ssh_config import alias_of, config_path, known_hosts_path
from notebake.servers.ssh_include import include_line, is_included, user_config_path

ANSWER_SECONDS = 3


def hold_open(
    question: Question,
    reached: Reached,
    search: Search,
    *,
    is_fresh: bool,
    port: int | None,
    prints: bool,
) -> None:
    """Open the server, until Ctrl-C or SIGTERM, or until it is gone.

    Raises:
        NotebakeError: it cannot be opened.
    """
    kept = keep_port(reached, port)
    view = OpenView(reached, on_open=lambda opened: show_page(opened, view, prints=prints))
    opening = Opening(
        question,
        reached,
        view,
        port=kept,
        is_fresh=is_fresh,
        search=search,
        on_listening=lambda: write_process(reached),
    )

    async def run() -> None:
        end_by_signals()

        def press(key: str) -> None:
            if act := ACTIONS.get(key):
                doing = run_in_background(lambda: act(opening.reached))
                doing.add_done_callback(lambda done: view.lines(done.result()))

        with key_presses(press) as has_keys:
            view.has_keys = has_keys
            await opening.run()

    with view:
        try:
            asyncio.run(run())
        except (KeyboardInterrupt, asyncio.CancelledError):
            view.closed()
        finally:
            delete_process(reached)


def write_process(reached: Reached) -> None:
    """Record that this process holds the server open: it has its port."""
    write_file(process_path(reached), this_process().model_dump_json().encode())


def delete_process(reached: Reached) -> None:
    """Delete the record, unless it is another process's that holds the server open."""
    if holder_of(reached) == this_process():
        delete_file(process_path(reached))


def end_by_signals() -> None:
    """End the current task at SIGTERM, and when the terminal is closed."""
    task = asyncio.current_task()
    for name in ("SIGTERM", "SIGHUP"):
        with suppress(NotImplementedError, AttributeError):  # Windows
            asyncio.get_running_loop().add_signal_handler(
                getattr(signal, name), lambda: task and task.cancel()
            )


def show_page(opened: Opened, view: OpenView, *, prints: bool) -> None:
    """Open the browser at the page that logs it in, or print what takes its place."""
    if prints:
        print_ways(opened, view)
    else:
        # A browser may not return before it has its page, which comes through this event loop.
        opening = run_in_background(lambda: open_browser(opened.page))

        def fall_back(done: "asyncio.Future[bool]") -> None:
            if not done.result():
                view.lines("No browser can be opened here.")
                print_ways(opened, view)

        opening.add_done_callback(fall_back)
    offer_ssh(opened.reached, view)


def print_ways(opened: Opened, view: OpenView) -> None:
    """Print the URL, and the ssh command that makes the same tunnel."""
    reached = opened.reached
    known_hosts = known_hosts_path(reached)
    command = ssh_command(
        reached.host, known_hosts, port=opened.port, jupyter_port=reached.jupyter_port
    )
    view.lines(f"Open: {opened.url}", f"Without notebake: {command}")


def offer_ssh(reached: Reached, view: OpenView) -> None:
    """Say how to log in by ssh."""
    alias = alias_of(reached)
    if is_included(user_config_path()):
        view.lines(f"A terminal on it: ssh {alias}")
        return
    view.lines(f"A terminal on it: ssh -F {shlex.quote(str(config_path()))} {alias}")
    if view.has_keys:
        view.lines(
            f"Press {SSH_KEY} to have plain `ssh {alias}`, in editors too: it adds the line"
            f" {include_line()} to {user_config_path()}."
        )


def show_running_one(reached: Reached, port: int | None) -> bool:
    """Show the page of another process that holds the server open; return whether there is one."""
    process = holder_of(reached)
    page = folder_of(reached) / PAGE_NAME
    if port or process is None or is_dead(process) or process == this_process():
        return False
    if not page.exists():
        return False
    if is_free(keep_port(reached)):
        return False  # it was killed: without /proc that cannot be told by its number
    open_browser(page)
    view = OpenView(reached, on_open=lambda _: None)
    view.lines(f"{reached.name} is open already, by {process.label}. Its page opens again.")
    return True


def page_answers(reached: Reached) -> bool:
    """Return whether JupyterLab answers at the server's port now."""
    port = keep_port(reached)
    asking = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
    try:
        asking.request("GET", "/api")
        return asking.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asking.close()
