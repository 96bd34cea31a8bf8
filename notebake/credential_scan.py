"""Find credentials on a machine's disks before they become an image.

One file on purpose, with nothing but Python's standard library (3.10 or later): it is copied to
the host and run there as root. It says where a credential lies, never what it is.

Searched: every file of the root file system and of the named volumes. Text is searched for all
rules, sentence by sentence in notebooks; other files for what can be told by its own shape; data
formats and compressed files only for AWS key ids and private keys.
Not searched: inside compressed files, the past commits of a git repository, blocks of deleted
files, passwords that look like any other word.
Before the cleaning only homes are searched, and all if there is anything: what the cleaning removes
would otherwise never be told, though somebody typed it.
Left out: a file that is exactly as its publisher made it, by the checksums of dpkg, of a Python
package from an index, or of a conda package from a channel.
Whatever could not be read is reported, and counts against the machine.
"""

import argparse
import base64
import csv
import errno
import hashlib
import json
import os
import re
import stat
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple, TypedDict, TypeVar

T = TypeVar("T")
R = TypeVar("R")

CHUNK = 4 << 20
LEAD = 64
"""Bytes before a chunk that are seen again, to tell where a word begins."""
OVERLAP = 16 << 10
"""Bytes after a chunk that are seen as well, so that nothing is cut in two."""
SPAN = 64 * CHUNK
"""A larger file is searched in spans of this size, by several processes."""
SMALL = 1 << 20
"""So much of a file that is known by its name is read to judge it."""
LARGEST_NOTEBOOK = 64 << 20
SUMS_AT_ONCE = 500
"""How many checksums a process compares before it tells which were right."""
MOST_PER_FILE = 20
FIRST_PERSON = 1000
"""The first user id that stands for a person."""


class Finding(TypedDict):
    """A credential: which rule found it, in which file, and where in it."""

    rule: str
    path: str
    place: str


class Unreadable(TypedDict):
    """What could not be read, and why."""

    path: str
    reason: str


class Report(TypedDict):
    """What a search gave. `complete` is written last: a report without it proves nothing."""

    findings: list[Finding]
    unreadable: list[Unreadable]
    files: int
    bytes: int
    """Without the files that are as published."""
    seconds: float
    complete: bool


# ---- Rules on content -------------------------------------------------------------------------


Check = Callable[[bytes], bool]


@dataclass(frozen=True)
class Rule:
    """A credential that is told by its own shape.

    A pattern that begins with plain letters is searched for at some 3 GB/s, one that ignores
    case at 0.2: such a pattern has an `anchor` in small letters, and is tried only there.
    """

    name: str
    pattern: re.Pattern[bytes]
    anchor: bytes = b""
    is_word: bool = False
    """Whether it counts only where a word begins."""
    check: Check | None = None
    """What the match, or its group if it has one, must fulfil beside."""


def is_varied(value: bytes) -> bool:
    """Tell a random value from a placeholder such as XXXX or 1234567890."""
    return len(set(value)) >= 8 and b"1234567890" not in value and b"EXAMPLE" not in value


def has_digit(value: bytes) -> bool:
    """Tell a random value from words: it is varied and has a digit."""
    return is_varied(value) and re.search(rb"\d", value) is not None


def is_mixed(value: bytes) -> bool:
    """Tell a random value in base64 from a path or a checksum."""
    return has_digit(value) and all(re.search(kind, value) for kind in (rb"[a-z]", rb"[A-Z]"))


# Passwords of manuals and examples, and what stands for "put yours here".
PLACEHOLDER = re.compile(
    rb"(?i)(.)\1*|pass(?:word|wd|phrase)?|pwd?|secret|(?:access[_-]?)?token|(?:api[_-]?)?key|tiger"
    rb"|change-?me|example|hunter2|test|user|my[_-]?\w*|your[_-]?\w*|some[_-]?\w*|foo|bar|baz"
)
EXAMPLE_HOST = re.compile(
    rb"(?i)(?:[\w-]+\.)*(?:example(?:\.\w+)?|host(?:name)?|server|domain|proxy)(?:[:/?#\s\"'`<]|$)"
)


def is_password(url: bytes) -> bool:
    """Tell a URL with a credential from one in a manual."""
    user, _, rest = url[3:].partition(b":")
    password, _, host = rest.rpartition(b"@")
    is_example = PLACEHOLDER.fullmatch(password) or EXAMPLE_HOST.match(host)
    return not is_example and password.lower() != user.lower()


def is_own_web_token(value: bytes) -> bool:
    """Tell a web token from the one that its standard's web site shows."""
    return b".eyJzdWIiOiIxMjM0NTY3ODkw" not in value


def is_own_storage_key(value: bytes) -> bool:
    """Tell a storage key from the public one of Azure's emulator."""
    return not value.startswith(b"AccountKey=Eby8vdM02xNOcq")


# What may stand between a PEM header and its key: line ends, also escaped ones, and quotes.
PEM_GAP = (
    rb"(?:[\s\"',+#;*>]|\\+[nr]"
    rb"|(?:Proc-Type|DEK-Info|Version|Comment|Subject|Hash): ?[^\r\n\\]{0,100}){1,60}"
)
ASSIGNED = rb"[\"'\]\\),:= \t>]{1,24}"

RULES_FOR_ALL = (
    Rule(
        "AWS access key id",
        re.compile(rb"A[KSBC][IC]A[A-Z0-9]{16}(?![A-Za-z0-9])"),
        is_word=True,
        check=is_varied,
    ),
    Rule(
        "private key",
        re.compile(
            rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----" + PEM_GAP + rb"[\w+/=]{32}"
        ),
    ),
    Rule("private key", re.compile(rb"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\s")),
    Rule("private key", re.compile(rb"PuTTY-User-Key-File-[123]: [a-z]")),
)
RULES_FOR_BINARY = (
    *RULES_FOR_ALL,
    Rule("GitHub token", re.compile(rb"gh[pousr]_(?:[A-Za-z0-9]{36}|\d+_eyJ)"), is_word=True),
    Rule("GitHub token", re.compile(rb"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}")),
    Rule(
        "GitLab token",
        re.compile(rb"gl(?:pat|dt|rt|ptt|ft|soat|cbt)-[\w.-]{20,60}"),
        is_word=True,
        check=has_digit,
    ),
    Rule(
        "Hugging Face token",
        re.compile(rb"hf_[A-Za-z0-9]{34}(?!\w)"),
        is_word=True,
        check=is_varied,
    ),
    Rule("Slack token", re.compile(rb"xox[abeoprs]-[\w-]{20,90}"), is_word=True, check=has_digit),
    Rule("PyPI token", re.compile(rb"pypi-AgE[\w-]{40}"), is_word=True),
    Rule("npm token", re.compile(rb"npm_[A-Za-z0-9]{36}(?!\w)"), is_word=True, check=has_digit),
    Rule(
        "key of a model provider",
        re.compile(
            rb"sk-(?:(?:proj|svcacct|admin|ant|or|lf)-[\w-]{30,200}|[A-Za-z0-9]{32,64}(?![\w-]))"
        ),
        is_word=True,
        check=has_digit,
    ),
    Rule(
        "Google API key",
        re.compile(rb"AIza[\w-]{35}(?![\w-])"),
        is_word=True,
        check=has_digit,
    ),
    Rule("Google client secret", re.compile(rb"GOCSPX-[\w-]{28}"), is_word=True),
    Rule("Jupyter token", re.compile(rb"token=([0-9a-f]{32,64})(?![\w-])"), check=is_varied),
    Rule(
        "Azure storage key",
        re.compile(rb"AccountKey=[A-Za-z0-9+/]{86}=="),
        check=is_own_storage_key,
    ),
    Rule("conda token", re.compile(rb"/t/[a-z]{2}-[0-9a-f]{8}-[0-9a-f-]{27}"), check=is_varied),
)
RULES_FOR_TEXT = (
    *RULES_FOR_BINARY,
    Rule(
        "AWS secret access key",
        re.compile(
            rb"(?i)secret[_. -]?(?:access[_. -]?)?key"
            + ASSIGNED
            + rb"([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"
        ),
        anchor=b"secret",
        check=is_mixed,
    ),
    Rule(
        "AWS session token",
        re.compile(rb"(?i)session[_-]?token" + ASSIGNED + rb"([A-Za-z0-9/+=%]{100})"),
        anchor=b"session",
        check=is_mixed,
    ),
    Rule(
        "AWS session token",
        re.compile(rb"(?i)security-token[=:\"' ]{1,6}([A-Za-z0-9/+=%]{100})"),
        anchor=b"security-token",
        check=is_mixed,
    ),
    Rule(
        "authorization header",
        re.compile(
            rb"(?i)authorization[\"'\\]{0,3}\s{0,3}[:=]\s{0,3}[\"'\\]{0,3}"
            rb"(?:basic|bearer|token) {1,3}([\w+/=.~-]{20,})"
        ),
        anchor=b"authorization",
        check=has_digit,
    ),
    Rule(
        "JSON web token",
        re.compile(rb"eyJ[\w-]{10,2000}\.eyJ[\w-]{10,6000}\.[\w-]{20}"),
        is_word=True,
        check=is_own_web_token,
    ),
    Rule(
        "URL with a password",
        re.compile(
            rb"://[^\s/:@\"'`<>{}\[\]()$*\\|]{1,100}:[^\s/@\"'`<>{}\[\]()$*\\|]{3,200}"
            rb"@[A-Za-z0-9\[][\w.:-]{0,80}"
        ),
        check=is_password,
    ),
)

# A word also begins after an escape: \nAKIA…, \u003dAKIA…, %3DAKIA…, and after a terminal's colour.
ESCAPE = re.compile(rb"(?:\\+(?:[nrtbf]|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2})|%[0-9A-F]{2}|\[[\d;]*m)\Z")


def begins_word(text: bytes, position: int) -> bool:
    """Say whether a word begins at this position."""
    before = text[max(0, position - 16) : position]
    return not re.search(rb"[A-Za-z0-9]\Z", before) or ESCAPE.search(before) is not None


def search(text: bytes, rules: Iterable[Rule]) -> Iterator[tuple[str, int]]:
    """Give the rule and the position of each credential in a piece of text."""
    small = b""
    for rule in rules:
        if rule.anchor:
            small = small or text.lower()
            matches = _match_at_anchors(rule, text, small)
        else:
            matches = rule.pattern.finditer(text)
        for match in matches:
            value = match.group(1) if match.re.groups else match.group()
            if rule.is_word and not begins_word(text, match.start()):
                continue
            if rule.check is None or rule.check(value):
                yield rule.name, match.start()


def _match_at_anchors(rule: Rule, text: bytes, small: bytes) -> Iterator[re.Match[bytes]]:
    position = small.find(rule.anchor)
    while position >= 0:
        if match := rule.pattern.match(text, position):
            yield match
        position = small.find(rule.anchor, position + 1)


# ---- Rules on names ---------------------------------------------------------------------------


class NamedFile(NamedTuple):
    """A file that is known to hold credentials by its name, and by what in it if not by anything.

    The name is that below a home if it begins with `~/`, else any end of the whole path.
    """

    rule: str
    path: re.Pattern[str]
    content: re.Pattern[bytes] | None = None


def _named(rule: str, path: str, content: str | None = None) -> NamedFile:
    start = "" if path.startswith(("~/", "^")) else r"(?:^|/)"
    pattern = None if content is None else re.compile(content.encode(), re.M)
    return NamedFile(rule, re.compile(f"{start}(?:{path})$"), pattern)


AUTHORIZED_KEY = "authorized key"
SSH_HOST_KEY = "ssh host key"
NAMED_FILES = (
    _named(AUTHORIZED_KEY, r"\.ssh/authorized_keys2?|^etc/ssh/authorized_keys[^/]*", r"^\s*[^#\s]"),
    _named(SSH_HOST_KEY, r"^etc/ssh/ssh_host_\w+_key"),
    _named("ssh private key", r"\.ssh/id_(?!.*\.pub$)[^/]+|[^/]+\.ppk", r"PRIVATE|PuTTY"),
    _named(
        "history",
        r"~/\.(?:bash|zsh|sh|ash|python|psql|mysql|mariadb|sqlite|node_repl|rediscli|julia|mongo)"
        r"_history|~/\.(?:zhistory|histfile|lesshst|Rhistory|octave_hist|viminfo|dbshell|wget-hsts)"
        r"|~/\.local/(?:share|state)/(?:lesshst|fish/fish_history|nano/search_history)"
        r"|~/\.julia/logs/repl_history\.jl|~/\.ipython/profile_[^/]+/history\.sqlite.*",
    ),
    _named(
        "Jupyter's own secret",
        r"(?:jpserver|nbserver)-[^/]*\.(?:json|html)|jupyter/runtime/[^/]+|jupyter_cookie_secret"
        r"|notebook_cookie_secret|notebook_secret|nbsignatures\.db|^etc/notebake/jupyter-token(?:\..+)?",
    ),
    _named(
        "Jupyter password or token",
        r"jupyter_\w*config\.(?:py|json)",
        r"^[^#\n]*(?:token|password)\"?\s*[:=]\s*u?[\"'](?!<)[^\"'\n]{4,}[\"']",
    ),
    _named("cloud-init's record of this machine", r"^var/lib/cloud/instances/.*"),
    _named(
        "cloud-init's seed", r"^var/lib/cloud/seed/.*", r"ssh_keys|passw|PRIVATE KEY|ssh-authorized"
    ),
    _named("systemd's credential key", r"^var/lib/systemd/credential\.secret"),
    _named("Ubuntu Pro token", r"^var/lib/ubuntu-advantage/private/machine-token\.json"),
    _named("password of a user", r"^etc/shadow-?", r"^[^:\n]+:[$_.\w/]"),
    _named("credential for a web site", r"[._]netrc", r"password\s+\S"),
    _named("credential for git", r"\.git-credentials|\.config/git/credentials", r"://\S+@"),
    _named(
        "credential for git", r"\.config/(?:gh/hosts|hub|glab-cli/config)\.?y?m?l?", r"token: *\S"
    ),
    _named(
        "credential for git",
        r"\.git/config|\.gitconfig",
        r"^\s*extraheader\s*=.*(?i:authorization)",
    ),
    _named(
        "credential for AWS", r"\.aws/(?:credentials|config)", r"^\s*aws_(?:secret|session)\w*\s*="
    ),
    _named("credential for AWS", r"\.aws/(?:sso|cli|login)/cache/.+"),
    _named(
        "credential for S3", r"\.s3cfg|\.boto|\.passwd-s3fs", r"^\s*secret_key *= *\S|\w{16}:\S{30}"
    ),
    _named("credential for PostgreSQL", r"\.pgpass", r"^[^#\n]+:[^:\n]+$"),
    _named("credential for MySQL", r"\.my(?:login)?\.cnf", r"^\s*password\s*=\s*\S|^[\x00-\x08]"),
    _named(
        "credential for a container registry",
        r"\.docker/config\.json|\.dockercfg|containers/auth\.json",
        r"\"(?:auth|identitytoken|registrytoken)\"\s*:\s*\"[^\"]",
    ),
    _named("credential for npm", r"\.(?:npm|yarn)rc", r"_(?:auth|authToken|password)\s*=\s*[^\s$]"),
    _named("credential for PyPI", r"\.pypirc", r"^\s*password\s*[=:]\s*\S"),
    _named(
        "credential for Kubernetes",
        r"\.kube/config",
        r"^\s*-?\s*(?:client-key-data|token|password)\s*:\s*\S",
    ),
    _named(
        "credential for Google",
        r"gcloud/(?:credentials\.db|access_tokens\.db|application_default_credentials\.json"
        r"|legacy_credentials/.+)|\.config/earthengine/credentials",
    ),
    _named(
        "credential for Azure",
        r"\.azure/(?:accessTokens\.json|msal_token_cache\.\w+|service_principal_entries\.\w+)",
    ),
    _named(
        "credential for rclone",
        r"\.?rclone\.conf",
        r"^\s*(?:pass|password|secret_access_key|token|client_secret|key|account_key|sas_url"
        r"|service_account_credentials)\s*=\s*\S",
    ),
    _named("credential for Hugging Face", r"\.?huggingface/(?:stored_)?tokens?"),
    _named("credential for Kaggle", r"\.?kaggle(?:/kaggle)?\.json", r"\"key\"\s*:\s*\"\w"),
    _named("credential for climate data", r"\.(?:cdsapi|ecmwfapi|adsapi)rc", r"key\"?\s*:\s*\S"),
    _named("credential for climate data", r"\.copernicusmarine-credentials|\.motuclient-python"),
    _named("credential for climate data", r"\.urs_cookies|\.dodsrc", r"URS|urs_|PASSWORD=\S"),
    _named("credential for Globus", r"\.globus/.*storage\.db|\.globusonline/.+"),
    _named("GnuPG private key", r"\.gnupg/(?:private-keys-v1\.d/.+|secring\.gpg)"),
    _named("credential for Vault or Terraform", r"\.vault-token|credentials\.tfrc\.json"),
    _named(
        "secret in an environment file",
        r"\.env(?:\.local|\.prod\w*)?|\.Renviron|\.streamlit/secrets\.toml",
        r"^\s*(?:export\s+)?\w*(?i:TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|ACCESS_KEY)\w*\s*=\s*"
        r"[\"']?(?![\"'$<{#]|(?i:your|change|example|xxx|none|null|true|false))[^\s\"']{6,}",
    ),
)


def find_named(path: str, homes: Iterable[str], read: Callable[[], bytes]) -> Iterator[str]:
    """Give the rules that a file, whose path has no leading slash, breaks by its name."""
    names = [path]
    for home in homes:
        if path.startswith(f"{home}/"):
            names.append(f"~/{path[len(home) + 1 :]}")
    for rule, pattern, content in NAMED_FILES:
        if any(pattern.search(name) for name in names):
            text = read()
            if text.strip() and (content is None or content.search(text)):
                yield rule


# ---- One file ---------------------------------------------------------------------------------

DATA_MAGIC = (
    b"CDF\x01", b"CDF\x02", b"CDF\x05", b"\x89HDF", b"GRIB", b"\x93NUMPY", b"PAR1", b"II*\0",
    b"MM\0*", b"\x89PNG", b"\xff\xd8\xff", b"\x1f\x8b", b"PK\x03\x04", b"\xfd7zXZ", b"BZh",
    b"\x28\xb5\x2f\xfd", b"hsqs",
)  # fmt: skip
"""How data formats and compressed files begin."""


@dataclass(frozen=True, slots=True)
class Task:
    """A span of a file; its path is relative to the root."""

    path: str
    start: int
    end: int


@dataclass
class Part:
    """What one batch of tasks gave."""

    findings: list[Finding] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    bytes: int = 0


def rules_for(head: bytes) -> tuple[Rule, ...]:
    """Return the rules for a file that begins like this."""
    if head.startswith(DATA_MAGIC):
        return RULES_FOR_ALL
    if b"\0" in head and not head.startswith(b"SQLite format 3"):
        return RULES_FOR_BINARY
    return RULES_FOR_TEXT


def scan_batch(root: str, homes: tuple[str, ...], tasks: tuple[Task, ...]) -> Part:
    """Search some files; the first span of a file is also judged by the file's name."""
    part = Part()
    for task in tasks:
        try:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            descriptor = os.open(os.path.join(root, task.path), flags)  # noqa: PTH118
        except FileNotFoundError:
            continue  # gone since it was listed: it will not be in the image
        except OSError as error:
            part.unreadable.append(_unreadable(task.path, error))
            continue
        try:
            part.findings.extend(_scan_file(descriptor, task, homes))
            part.bytes += task.end - task.start
        except OSError as error:
            part.unreadable.append(_unreadable(task.path, error))
        finally:
            os.close(descriptor)
    return part


def _unreadable(path: str, error: OSError) -> Unreadable:
    return {"path": f"/{path}", "reason": error.strerror or type(error).__name__}


def _scan_file(descriptor: int, task: Task, homes: tuple[str, ...]) -> Iterator[Finding]:
    """Give what is found in one span of an open file, a limited number of times."""
    found: Iterable[tuple[str, str]] = ()
    if task.path.endswith(".ipynb") and task.end <= LARGEST_NOTEBOOK:
        found = _scan_notebook(os.pread(descriptor, task.end, 0))
    else:
        found = _scan_span(descriptor, task)
    if task.start == 0:
        for rule in find_named(task.path, homes, lambda: os.pread(descriptor, SMALL, 0)):
            yield {"rule": rule, "path": f"/{task.path}", "place": ""}
    for count, (rule, place) in enumerate(found):
        if count == MOST_PER_FILE:
            return
        yield {"rule": rule, "path": f"/{task.path}", "place": place}


def _scan_span(descriptor: int, task: Task) -> Iterator[tuple[str, str]]:
    """Give rule and place for a span, chunk by chunk, without the holes of a sparse file."""
    rules = rules_for(os.pread(descriptor, 8192, 0))
    is_text = rules is RULES_FOR_TEXT and task.end <= SPAN
    for start, end in _filled(descriptor, task):
        for position in range(start, end, CHUNK):
            first = max(0, position - LEAD)
            text = os.pread(descriptor, position - first + CHUNK + OVERLAP, first)
            limit = min(CHUNK, end - position) + position - first
            if not text.strip(b"\0"):
                continue
            for rule, where in search(text, rules):
                if position - first <= where < limit:
                    offset = first + where
                    yield rule, _line(descriptor, offset) if is_text else f"offset {offset}"


def _filled(descriptor: int, task: Task) -> Iterator[tuple[int, int]]:
    """Give the parts of a span that are not holes."""
    position = task.start
    while position < task.end:
        try:
            start = os.lseek(descriptor, position, os.SEEK_DATA)
            end = min(os.lseek(descriptor, start, os.SEEK_HOLE), task.end)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole follows
                return
            raise
        if start < end:
            yield start, end
        position = max(end, start)


def _line(descriptor: int, offset: int) -> str:
    lines = 1
    for position in range(0, offset, CHUNK):
        lines += os.pread(descriptor, min(CHUNK, offset - position), position).count(b"\n")
    return f"line {lines}"


def _scan_notebook(content: bytes) -> Iterator[tuple[str, str]]:
    """Give rule and cell; what is no notebook is searched as text."""
    try:
        notebook = json.loads(content)
        cells = [
            *notebook.pop("cells", []),
            *(cell for sheet in notebook.get("worksheets", []) for cell in sheet.pop("cells")),
        ]
        places = [
            (f"cell {number}, {part}", _texts(cell.pop(part, None)))
            for number, cell in enumerate(cells, start=1)
            for part in ("source", "input", "outputs", "attachments")
        ]
        rest = [(f"cell {number}, metadata", _texts(cell)) for number, cell in enumerate(cells, 1)]
    except (ValueError, AttributeError, TypeError, KeyError, RecursionError):
        places, rest, notebook = [("no valid notebook", iter([content]))], [], None
    for place, texts in (*places, *rest, ("metadata", _texts(notebook))):
        for text in texts:
            for rule in sorted({rule for rule, _ in search(text, RULES_FOR_TEXT)}):
                yield rule, place


def _texts(value: Any) -> Iterator[bytes]:
    """Give every text inside a JSON value; a list of lines is one text."""
    if isinstance(value, str):
        yield re.sub(r"\x1b\[[\d;]*[A-Za-z]", "", value).encode("utf-8", "surrogatepass")
    elif isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        yield from _texts("".join(value))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        # A name and its value belong together: {"aws_secret_access_key": "…"} is found by both.
        for key, item in value.items():
            yield from _texts(f"{key}: {item}" if isinstance(item, str) else item)


# ---- Files as published -----------------------------------------------------------------------


class Manifests(NamedTuple):
    """Where package managers wrote down the checksums of what they installed."""

    records: list[str]
    conda: list[str]


class Sum(NamedTuple):
    """What a file is when it is as its publisher made it."""

    path: str
    method: str
    digest: str


def published_sums(paths: set[str], manifests: Manifests, root: str) -> list[Sum]:
    """Return the checksums that there are for these paths, or for the sources they are made of."""
    wanted = paths | {source for path in paths if (source := _source_of(path))}
    lines = (
        _dpkg_sums(root),
        *(_record_sums(root, record) for record in manifests.records),
        *(_conda_sums(root, meta) for meta in manifests.conda),
    )
    return [one for sums in lines for one in sums if one.path in wanted]


def as_published(root: str, sums: Iterable[Sum]) -> list[str]:
    """Return the paths whose files are exactly as their publisher made them."""
    return [one.path for one in sums if _digest(root, one.path, one.method) == one.digest]


def is_published(path: str, published: set[str]) -> bool:
    """Tell whether a file is as published, or was compiled from a source that is."""
    return path in published or _source_of(path) in published


def _source_of(path: str) -> str | None:
    """Return the source from which Python compiled this file."""
    if not path.endswith(".pyc"):
        return None
    match = re.fullmatch(r"(.*/)__pycache__/([^/]+?)\.[\w-]+(?:\.opt-\d)?\.pyc", path)
    return f"{match[1]}{match[2]}.py" if match else None


def _digest(root: str, path: str, method: str) -> str:
    digest = hashlib.new(method, usedforsecurity=False)
    try:
        descriptor = os.open(os.path.join(root, path), os.O_RDONLY)  # noqa: PTH118
    except OSError:
        return "unreadable"
    try:
        while chunk := os.read(descriptor, CHUNK):
            digest.update(chunk)
    except OSError:
        return "unreadable"
    finally:
        os.close(descriptor)
    return digest.hexdigest()


def _dpkg_sums(root: str) -> Iterator[Sum]:
    """Give path, method and digest of the distribution's files, configuration included."""
    base = Path(root) / "var/lib/dpkg"
    names = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
    merged = {name for name in names if (Path(root) / name).is_symlink()}
    for sums in sorted(base.glob("info/*.md5sums")):
        for line in sums.read_text(errors="surrogateescape").splitlines():
            digest, _, path = line.partition("  ")
            usr = "usr/" if path.partition("/")[0] in merged else ""
            yield Sum(f"{usr}{path}", "md5", digest)
    if (base / "status").exists():
        status = (base / "status").read_text(errors="surrogateescape")
        for match in re.finditer(r"^ /(\S+) ([0-9a-f]{32})", status, re.M):
            yield Sum(match[1], "md5", match[2])


# What an installer writes itself is not published.
INSTALLER_FILES = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")


def _record_sums(root: str, record: str) -> Iterator[Sum]:
    """Give the checksums of a Python package, unless it came from elsewhere than an index."""
    directory = Path(root) / record
    if (directory.parent / "direct_url.json").exists():
        return
    base = Path(record).parent.parent
    with directory.open(encoding="utf-8", errors="surrogateescape", newline="") as stream:
        for row in csv.reader(stream):
            if len(row) < 2 or not row[1].startswith("sha256="):
                continue
            if row[0].rpartition("/")[2] in INSTALLER_FILES and ".dist-info/" in row[0]:
                continue
            digest = base64.urlsafe_b64decode(row[1][7:] + "==").hex()
            yield Sum(os.path.normpath(f"{base}/{row[0]}"), "sha256", digest)


def _conda_sums(root: str, meta: str) -> Iterator[Sum]:
    """Give the checksums of a conda package, unless it did not come from a channel."""
    try:
        package = json.loads((Path(root) / meta).read_bytes())
        if not str(package.get("url", "")).startswith("https://"):
            return
        entries = package.get("paths_data", {}).get("paths", [])
    except (ValueError, AttributeError):
        return
    prefix = Path(meta).parent.parent
    for entry in entries:
        for name in ("sha256", "sha256_in_prefix"):
            if name in entry:
                yield Sum(os.path.normpath(f"{prefix}/{entry['_path']}"), "sha256", entry[name])


# ---- The whole machine ------------------------------------------------------------------------


class Walk:
    """The regular files below some directories, as tasks. Never leaves their file systems."""

    def __init__(self, root: str, directories: Iterable[str]) -> None:
        self.root = root
        tops = dict.fromkeys(directory.strip("/") for directory in directories)
        self.tops = list(tops)
        self.manifests = Manifests([], [])
        self.unreadable: list[Unreadable] = []
        self.files = 0
        self._seen: set[tuple[int, int]] = set()

    def tasks(self) -> Iterator[Task]:
        """Give all spans of all files."""
        for top in self.tops:
            waiting = [top]
            try:
                device = os.lstat(self._full(top)).st_dev
            except OSError as error:
                self.unreadable.append(_unreadable(top, error))
                continue
            while waiting:
                yield from self._list(waiting.pop(), device, waiting)

    def _full(self, path: str) -> str:
        return os.path.join(self.root, path)  # noqa: PTH118

    def _list(self, directory: str, device: int, waiting: list[str]) -> Iterator[Task]:
        try:
            entries = sorted(os.scandir(self._full(directory)), key=lambda entry: entry.name)
        except FileNotFoundError:
            return
        except OSError as error:
            self.unreadable.append(_unreadable(directory, error))
            return
        for entry in entries:
            path = f"{directory}/{entry.name}" if directory else entry.name
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            except OSError as error:
                self.unreadable.append(_unreadable(path, error))
                continue
            if stat.S_ISDIR(status.st_mode) and status.st_dev == device and path not in self.tops:
                waiting.append(path)
            elif stat.S_ISREG(status.st_mode):
                yield from self._spans(path, status)

    def _spans(self, path: str, status: os.stat_result) -> Iterator[Task]:
        if path.endswith(".dist-info/RECORD"):
            self.manifests.records.append(path)
        elif path.endswith(".json") and "/conda-meta/" in path:
            self.manifests.conda.append(path)
        if status.st_nlink > 1:
            identity = (status.st_dev, status.st_ino)
            if identity in self._seen:
                return
            self._seen.add(identity)
        self.files += 1
        whole = status.st_size <= LARGEST_NOTEBOOK and path.endswith(".ipynb")
        step = max(1, status.st_size) if whole else SPAN
        for start in range(0, status.st_size, step):
            yield Task(path, start, min(start + step, status.st_size))


def find_homes(root: str) -> tuple[str, ...]:
    """Return the homes of all users, without a leading slash."""
    homes = {"root"}
    passwd = Path(root) / "etc/passwd"
    if passwd.exists():
        for line in passwd.read_text(errors="surrogateescape").splitlines():
            fields = line.split(":")
            if len(fields) == 7 and fields[5].strip("/"):
                homes.add(fields[5].strip("/"))
    if (Path(root) / "home").is_dir():
        homes.update(f"home/{entry.name}" for entry in (Path(root) / "home").iterdir())
    return tuple(sorted(homes))


def find_homes_of_people(root: str) -> list[str]:
    """Return the homes that are there of root and of whoever may log in."""
    homes = {"root"}
    passwd = Path(root) / "etc/passwd"
    if passwd.exists():
        for line in passwd.read_text(errors="surrogateescape").splitlines():
            fields = line.split(":")
            if len(fields) == 7 and fields[2].isdigit() and int(fields[2]) >= FIRST_PERSON:
                homes.add(fields[5].strip("/"))
    homes.update(home for home in find_homes(root) if home.startswith("home/"))
    return sorted(home for home in homes - {""} if (Path(root) / home).is_dir())


# What programs write down by themselves and the cleaning removes. No history is among it, only
# the bare fact that there is one: what stands in it somebody typed.
REMOVED_RULES = {
    AUTHORIZED_KEY,
    "history",
    "Jupyter's own secret",
    "cloud-init's record of this machine",
    "systemd's credential key",
}
REMOVED_PATHS = re.compile(
    r"/(?:etc/notebake/jupyter-token|etc/ssl/private/ssl-cert-snakeoil\.key"
    r"|tmp/|var/(?:cache|crash|log|tmp|lib/(?:cloud|dhcp|NetworkManager))/)"
    r"|.*/jupyter/runtime/"
)


def is_removed_unseen(finding: Finding) -> bool:
    """Say whether the cleaning removes this, and nobody typed it."""
    if finding["rule"] in REMOVED_RULES or REMOVED_PATHS.match(finding["path"]):
        return True
    # A cache holds what was downloaded; a credential is told there by its name alone.
    return "/.cache/" in finding["path"] and bool(finding["place"])


def is_expected(finding: Finding, login: str | None) -> bool:
    """Say whether this is the login itself, which is removed last, after the search."""
    if login is None:
        return False
    if finding["rule"] == AUTHORIZED_KEY:
        return finding["path"] == f"{login}/.ssh/authorized_keys"
    is_host_key = re.fullmatch(r"/etc/ssh/ssh_host_\w+_key", finding["path"])
    return bool(is_host_key) and finding["rule"] in (SSH_HOST_KEY, "private key")


def scan(
    root: str = "/",
    mount_points: Iterable[str] = (),
    *,
    login: str | None = None,
    processes: int = 1,
) -> Report:
    """Search the file system of `root` and those mounted below it at `mount_points`.

    `login` is the home of the user whose authorized key, like the ssh host keys, may still be
    there. Paths are reported as the machine itself would call them.
    """
    return _scan_below(root, ["", *mount_points], login=login, processes=processes)


def scan_before_cleaning(
    root: str = "/",
    mount_points: Iterable[str] = (),
    *,
    login: str | None = None,
    processes: int = 1,
) -> Report:
    """Search the homes for what the cleaning would remove before anybody is told of it.

    Where there is something, all is searched: everything that has to be removed is named at once.
    """
    for directories in (find_homes_of_people(root), ["", *mount_points]):
        report = _scan_below(root, directories, login=login, processes=processes)
        findings = [each for each in report["findings"] if not is_removed_unseen(each)]
        report = {**report, "findings": findings}
        if is_clean(report):
            break
    return report


def _scan_below(
    root: str, directories: Iterable[str], *, login: str | None, processes: int
) -> Report:
    began = time.monotonic()
    walk = Walk(root, directories)
    homes = find_homes(root)
    tasks = list(walk.tasks())
    # To tell a file by its checksum takes a fraction of the time of searching it.
    sums = published_sums({task.path for task in tasks}, walk.manifests, root)
    lots = (sums[at : at + SUMS_AT_ONCE] for at in range(0, len(sums), SUMS_AT_ONCE))
    told = _carry_out(partial(as_published, root), lots, processes)
    published = {path for paths in told for path in paths}
    others = (task for task in tasks if not is_published(task.path, published))
    total = Part()
    for part in _carry_out(partial(scan_batch, root, homes), _batches(others), processes):
        total.findings.extend(part.findings)
        total.unreadable.extend(part.unreadable)
        total.bytes += part.bytes
    findings = [finding for finding in total.findings if not is_expected(finding, login)]
    return {
        "findings": sorted(findings, key=lambda each: (each["path"], each["place"], each["rule"])),
        "unreadable": [*walk.unreadable, *total.unreadable],
        "files": walk.files,
        "bytes": total.bytes,
        "seconds": round(time.monotonic() - began, 3),
        "complete": True,
    }


def _batches(tasks: Iterator[Task]) -> Iterator[tuple[Task, ...]]:
    """Gather tasks until a batch is worth sending to another process."""
    batch: list[Task] = []
    weight = 0
    for task in tasks:
        batch.append(task)
        weight += task.end - task.start + (16 << 10)
        if weight >= 4 * CHUNK:
            yield tuple(batch)
            batch, weight = [], 0
    if batch:
        yield tuple(batch)


def _carry_out(work: Callable[[T], R], lots: Iterable[T], processes: int) -> Iterator[R]:
    """Carry out lots of work, a few at a time. A process that dies raises BrokenProcessPool."""
    if processes == 1:
        yield from map(work, lots)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("fork")) as pool:
        running: deque[Future[R]] = deque()
        for lot in lots:
            running.append(pool.submit(work, lot))
            if len(running) > 4 * processes:
                yield running.popleft().result()
        for future in running:
            yield future.result()


# ---- What people and programs read ------------------------------------------------------------


def is_clean(report: Report) -> bool:
    """Say whether the search ended, read everything and found nothing."""
    return report["complete"] and not report["findings"] and not report["unreadable"]


def findings_text(report: Report) -> str:
    """Return what was found as lines for a person; empty if the machine is clean."""
    lines = [
        " ".join(filter(None, (finding["path"], finding["place"] and f"({finding['place']})")))
        + f": {finding['rule']}"
        for finding in report["findings"]
    ]
    lines += [
        f"{each['path']}: could not be read: {each['reason']}" for each in report["unreadable"]
    ]
    if not report["complete"]:
        lines.append("The search did not come to its end.")
    return "\n".join(lines).encode("utf-8", "backslashreplace").decode()


def parse_report(printed: str) -> Report:
    """Return the report that a host printed; ValueError for anything else.

    Lines before it, such as warnings, do not matter; it is the last line.
    """
    lines = printed.strip().splitlines()
    value = json.loads(lines[-1]) if lines else None
    if not isinstance(value, dict) or value.get("complete") is not True:
        raise ValueError("not the report of a search that came to its end")
    report: Report = {
        "findings": value["findings"],
        "unreadable": value["unreadable"],
        "files": value["files"],
        "bytes": value["bytes"],
        "seconds": value["seconds"],
        "complete": True,
    }
    return report


def main(arguments: list[str] | None = None) -> int:
    """Search this machine: 0 if clean, 1 if not, 2 or more if the search itself failed."""
    parser = argparse.ArgumentParser(description="Find credentials on a machine's disks.")
    parser.add_argument("--root", default="/", help="where the root file system is seen")
    parser.add_argument("--mount-point", action="append", default=[], help="a volume to search too")
    parser.add_argument("--expect-login", metavar="HOME", help="home whose authorized key may stay")
    parser.add_argument(
        "--before-cleaning", action="store_true", help="search for what cleaning would hide"
    )
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", action="store_true", help="print the report as one line of JSON")
    given = parser.parse_args(arguments)
    look = scan_before_cleaning if given.before_cleaning else scan
    report = look(
        given.root, given.mount_point, login=given.expect_login, processes=given.processes
    )
    summary = f"{report['files']} files, {report['bytes']} bytes, {report['seconds']} s"
    text = json.dumps(report) if given.json else f"{findings_text(report)}\n{summary}".strip()
    sys.stdout.write(f"{text}\n")
    return 0 if is_clean(report) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Exception as error:  # noqa: BLE001 - exit code 1 would mean "searched, and found"
        sys.stderr.write(f"The search failed: {type(error).__name__}: {error}\n")
        sys.exit(3)
