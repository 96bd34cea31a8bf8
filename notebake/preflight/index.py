"""What the indexes of Python packages say of names, asked in parallel within a limit of time."""

import subprocess
import sys
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from notebake.commands.uv import PRINT_INDEX
from notebake.local.proxies import UNUSABLE_PROXY
from notebake.preflight.wheels import File, parse_files

AT_ONCE = 16
EACH_SECONDS = 10
CONNECT_SECONDS = 5
ALL_SECONDS = 20
"""Packages without a response by then are reported as not checked."""
JSON = "application/vnd.pypi.simple.v1+json"
"""https://packaging.python.org/en/latest/specifications/simple-repository-api/"""


@dataclass(frozen=True)
class Answer:
    """What the indexes say of a package; by default that none has it."""

    has_it: bool = False
    files: tuple[File, ...] = ()
    """Its files in the first index that has it, if they were asked for."""
    silence: str = ""
    """Which index did not answer, and how; empty if all did."""


def own_index() -> str:
    """Return the index of this computer's pip; empty if it is unknown."""
    try:
        printed = subprocess.run(
            [sys.executable, "-I", "-c", PRINT_INDEX],
            capture_output=True,
            text=True,
            timeout=EACH_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return printed.stdout.strip()


def host_of(index: str) -> str:
    """Return the host of an index, for people."""
    return urlsplit(index).hostname or "the index"


def query_indexes(
    indexes: Sequence[str], names: Collection[str], with_files: Collection[str]
) -> dict[str, Answer]:
    """Return what the indexes, asked one after the other, say of each name."""
    hosts = " and ".join(map(host_of, indexes))
    late = Answer(silence=f"{hosts} gives no answer within {ALL_SECONDS} s")
    answers = dict.fromkeys(names, late)
    unreachable: dict[str, Answer] = {}
    limits = httpx.Timeout(EACH_SECONDS, connect=CONNECT_SECONDS)
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="index")
    try:
        with httpx.Client(timeout=limits, follow_redirects=True) as client:
            asked = {
                pool.submit(
                    ask_in_turn, client, indexes, name, name in with_files, unreachable
                ): name
                for name in names
            }
            done, _ = wait(asked, timeout=ALL_SECONDS)
            pool.shutdown(wait=False, cancel_futures=True)
            return answers | {asked[each]: each.result() for each in done if not each.cancelled()}
    except UNUSABLE_PROXY as error:
        reason = f"{hosts} gives no answer by the proxy of this computer: {error}"
        return dict.fromkeys(names, Answer(silence=reason))


def ask_in_turn(
    client: httpx.Client,
    indexes: Sequence[str],
    name: str,
    wants_files: bool,
    unreachable: dict[str, Answer],
) -> Answer:
    """Return the answer of the first index that has the package, as uv takes the first, too.

    An index that cannot be reached is kept in `unreachable`, and not asked for another name.
    """
    silence = ""
    ask = ask_for_files if wants_files else ask_for_name
    for index in indexes:
        try:
            answer = unreachable.get(index) or ask(client, f"{index.rstrip('/')}/{name}/")
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            answer = unreachable[index] = Answer(silence=describe(error))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            answer = Answer(silence=describe(error))
        if answer.silence:
            answer = Answer(answer.has_it, silence=f"{host_of(index)} gives {answer.silence}")
        if answer.has_it:
            return answer
        silence = silence or answer.silence
    return Answer(silence=silence)


def ask_for_files(client: httpx.Client, address: str) -> Answer:
    """Return the files of one package; HTTPError or InvalidURL without a response."""
    answer = client.get(address, headers={"Accept": JSON})
    if answer.status_code == httpx.codes.NOT_FOUND:
        return Answer()
    answer.raise_for_status()
    try:
        return Answer(has_it=True, files=tuple(parse_files(answer.json())))
    except ValueError:
        return Answer(has_it=True, silence="no answer in JSON")


def ask_for_name(client: httpx.Client, address: str) -> Answer:
    """Return whether there is a package, by the headers alone; errors as with `ask_for_files`.

    Only GET is trusted to say that there is none, as an index need not know HEAD.
    """
    if knows_head(client, address):
        return Answer(has_it=True)
    with client.stream("GET", address) as answer:
        if answer.status_code == httpx.codes.NOT_FOUND:
            return Answer()
        answer.raise_for_status()
        return Answer(has_it=True)


def knows_head(client: httpx.Client, address: str) -> bool:
    """Return whether an index answers HEAD, and that there is the package."""
    try:
        return client.head(address).is_success
    except httpx.RemoteProtocolError:
        return False


def describe(error: Exception) -> str:
    """Return why there is no response, for people."""
    if isinstance(error, httpx.HTTPStatusError):
        return f"the answer {error.response.status_code}"
    return f"no answer ({type(error).__name__})"
