"""Has Prefect send notices, by a notification block that somebody has made in its UI.

python -m deployments.notices http://127.0.0.1:4200 slack-webhook/lab     # or: make notices BLOCK=…
python -m deployments.notices http://127.0.0.1:4200 slack-webhook/lab --try
python -m deployments.notices http://127.0.0.1:4200 --remove

Each kind of notice is an automation of the server. To install them again, or with another block,
replaces them. docs/notices.md says what is sent, and when.
"""

import argparse
import os
import sys

import httpx

from deployments.automations import find, install
from deployments.notice_kinds import NAMES, automations
from flows.local_prefect.server_api import connected
from notebake.errors import NotebakeError

WHAT_A_BLOCK_IS = (
    "A block is named TYPE/NAME, as slack-webhook/lab. Make it in Prefect's UI under Blocks, or see"
    " what there is: prefect block ls"
)


def install_notices(url: str, block: str, shown_url: str = "") -> None:
    """Install the automations on a server, or bring them up to date.

    Notices link to `shown_url`, if it is given.

    Raises:
        httpx.HTTPError: the server did not answer, or refused one.
        NotebakeError: it has no such block, or the block sends no notices.
    """
    block_id = find_block(url, block)
    for automation in automations(block_id, shown_url or url):
        install(url, automation)


def find_block(url: str, block: str) -> str:
    """Return the id of a notification block; nothing of what it holds is read."""
    kind, _, name = block.partition("/")
    if not kind or not name:
        raise NotebakeError(f"{block!r} names no block.", WHAT_A_BLOCK_IS)
    with connected(url) as client:
        answer = client.get(f"/block_types/slug/{kind}/block_documents/name/{name}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise NotebakeError(f"The server has no block {block}.", WHAT_A_BLOCK_IS)
        found = answer.raise_for_status().json()
    if "notify" not in found["block_schema"]["capabilities"]:
        raise NotebakeError(f"The block {block} sends no notices.", WHAT_A_BLOCK_IS)
    return str(found["id"])


def remove_notices(url: str) -> int:
    """Remove the automations of all notices, and return how many there were."""
    removed = 0
    with connected(url) as client:
        for name in NAMES:
            if found := find(client, name):
                client.delete(f"/automations/{found['id']}").raise_for_status()
                removed += 1
    return removed


def send_trial(url: str, block: str) -> None:
    """Send one notice from this computer.

    Raises:
        NotebakeError: the block could not be read, or the notice was not accepted.
    """
    find_block(url, block)
    os.environ["PREFECT_API_URL"] = f"{url}/api"
    from flows.trial_notice import send_by

    send_by(block)


def main() -> int:
    """Install, try or remove notices; return 0 after success."""
    parser = argparse.ArgumentParser(prog="python -m deployments.notices")
    parser.add_argument("url", help="address of Prefect's server, such as http://127.0.0.1:4200")
    parser.add_argument("block", nargs="?", default="", help="such as slack-webhook/lab")
    parser.add_argument(
        "--shown", default="", metavar="URL", help="its address for readers, if that is another"
    )
    parser.add_argument("--try", dest="is_trial", action="store_true", help="send one notice now")
    parser.add_argument("--remove", action="store_true", help="send no notices any more")
    given = parser.parse_args()
    url = given.url.rstrip("/").removesuffix("/api")
    try:
        if given.remove:
            print_line(f"{remove_notices(url)} automations were removed.")
        elif given.is_trial:
            send_trial(url, given.block)
            print_line(f"A notice was sent by {given.block}: look whether it has come.")
        else:
            install_notices(url, given.block, given.shown.rstrip("/"))
            print_line(f"{len(NAMES)} kinds of notices are sent by {given.block}.")
    except NotebakeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        sys.stderr.write(f"Prefect at {url} could not be asked: {error}\n")
        return 1
    return 0


def print_line(line: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
