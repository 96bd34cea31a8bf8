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
import binascii
import csv
import errno
import gc
import hashlib
import json
import marshal
import os
import re
import select
import signal
import stat
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from operator import attrgetter
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
"""In each span of this size of a larger file a limited number of credentials is told."""
PIECE = 2 * CHUNK
"""A larger file is searched in pieces of this size, by several processes."""
SMALL = 1 << 20
"""So much of a file that is known by its name is read to judge it."""
LARGEST_NOTEBOOK = 64 << 20
READ = 256 << 10
"""So much is read at once for a checksum: it stays in the processor's cache."""
ENTRIES_AT_ONCE = 1000
"""How many directory entries a process lists before it gives back what is left, to be shared."""
WEIGHT_AT_ONCE = 4 << 20
"""So many bytes a process is given at once, unless a single file has more."""
FILE_WEIGHT = 16 << 10
"""What a file weighs beside its bytes, so that no process has more than 256 open at once."""
PER_CORE = 2
"""While a process waits for the disk, another uses its core."""
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


class Rule(NamedTuple):
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


AFTER_SLASH = r"(?:^|/)"


def _named(rule: str, path: str, content: str | None = None) -> NamedFile:
    start = "" if path.startswith(("~/", "^")) else AFTER_SLASH
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
    _named("identity of this machine", r"^var/lib/snapd/device/private-keys-v1/.+"),
    _named("identity of this machine", r"^etc/iscsi/initiatorname\.iscsi", r"^InitiatorName="),
    _named("identity of this machine", r"^var/lib/amazon/ssm/(?:.+/)?(?:Vault/.+|RegistrationKey)"),
    _named("identity of this machine", r"^var/lib/landscape/client/\w+\.bpickle"),
    _named("identity of this machine", r"^var/lib/zerotier-one/identity\.secret"),
    _named("identity of this machine", r"^var/lib/tailscale/tailscaled\.state", r"[Kk]ey"),
    _named("key of a WireGuard tunnel", r"^etc/wireguard/.+\.conf", r"^\s*PrivateKey\s*=\s*\S"),
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


_patterns = [each.path.pattern for each in NAMED_FILES]
_after_slash = [each.removeprefix(AFTER_SLASH) for each in _patterns if AFTER_SLASH in each[:6]]
_whole = [each for each in _patterns if AFTER_SLASH not in each[:6]]
# Most files have none of these names: one pattern tells them quicker than all.
ANY_NAMED_FILE = re.compile(f"{AFTER_SLASH}(?:{'|'.join(_after_slash)})|{'|'.join(_whole)}")


def find_named(path: str, homes: Iterable[str], read: Callable[[], bytes]) -> Iterator[str]:
    """Give the rules that a file, whose path has no leading slash, breaks by its name."""
    names = [path]
    for home in homes:
        if path.startswith(f"{home}/"):
            names.append(f"~/{path[len(home) + 1 :]}")
    if not any(map(ANY_NAMED_FILE.search, names)):
        return
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


class Task(NamedTuple):
    """A piece of a file; its path is relative to the root."""

    path: str
    start: int
    end: int
    is_notebook: bool = False


def tasks_of(path: str, size: int) -> list[Task]:
    """Return the pieces of a file, none if it is empty; a notebook is one piece."""
    if path.endswith(".ipynb") and 0 < size <= LARGEST_NOTEBOOK:
        return [Task(path, 0, size, is_notebook=True)]
    return [Task(path, at, min(at + PIECE, size)) for at in range(0, size, PIECE)]


def rules_for(head: bytes) -> tuple[Rule, ...]:
    """Return the rules for a file that begins like this."""
    if head.startswith(DATA_MAGIC):
        return RULES_FOR_ALL
    if b"\0" in head and not head.startswith(b"SQLite format 3"):
        return RULES_FOR_BINARY
    return RULES_FOR_TEXT


def _unreadable(path: str, error: OSError) -> Unreadable:
    return {"path": f"/{path}", "reason": error.strerror or type(error).__name__}


def _scan_file(descriptor: int, task: Task, homes: tuple[str, ...]) -> Iterator[Finding]:
    """Give what is found in one piece of an open file, a limited number of times."""
    found: Iterable[tuple[str, str]] = ()
    if task.is_notebook:
        found = _scan_notebook(os.pread(descriptor, task.end, 0))
    else:
        found = _scan_piece(descriptor, task)
    if task.start == 0:
        for rule in find_named(task.path, homes, lambda: os.pread(descriptor, SMALL, 0)):
            yield {"rule": rule, "path": f"/{task.path}", "place": ""}
    for count, (rule, place) in enumerate(found):
        if count == MOST_PER_FILE:
            return
        yield {"rule": rule, "path": f"/{task.path}", "place": place}


def _scan_piece(descriptor: int, task: Task) -> Iterator[tuple[str, str]]:
    """Give rule and place for a piece, chunk by chunk, without the holes of a sparse file."""
    rules = rules_for(os.pread(descriptor, 8192, 0))
    is_text = rules is RULES_FOR_TEXT and task.end <= SPAN
    for start, end in _filled(descriptor, task):
        for position in range(start, end, CHUNK):
            first = max(0, position - LEAD)
            limit = min(CHUNK, end - position) + position - first
            text = os.pread(descriptor, limit + OVERLAP, first)
            if not text.strip(b"\0"):
                continue
            for rule, where in search(text, rules):
                if position - first <= where < limit:
                    offset = first + where
                    yield rule, _line(descriptor, offset) if is_text else f"offset {offset}"


def _filled(descriptor: int, task: Task) -> Iterator[tuple[int, int]]:
    """Give the parts of a piece that are not holes."""
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

Sum = tuple[str, bytes]
"""How a file's checksum is made, and what it is when the file is as its publisher made it."""
Published = list[tuple[str, Sum]]
"""Paths with what they are known by."""


def published_in(root: str, path: str) -> Published:
    """Return the checksums in this file, if it is where a package manager writes them down."""
    try:
        if path.endswith(".dist-info/RECORD"):
            return list(_record_sums(root, path))
        if path.endswith(".json") and "/conda-meta/" in path:
            return list(_conda_sums(root, path))
        if path.endswith(".md5sums") and path.startswith("var/lib/dpkg/info/"):
            return list(_package_sums(root, path))
        if path == "var/lib/dpkg/status":
            return list(_configuration_sums(root, path))
    except (OSError, ValueError):
        return []  # its files are searched then; where it cannot be read, the search says so
    return []


def _package_sums(root: str, path: str) -> Iterator[tuple[str, Sum]]:
    """Give the checksums of one of the distribution's packages."""
    names = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
    merged = {name for name in names if (Path(root) / name).is_symlink()}
    lines = (Path(root) / path).read_text(errors="surrogateescape")
    for digest, below in re.findall(r"^([0-9a-f]{32})  (.+)$", lines, re.M):
        usr = "usr/" if below.partition("/")[0] in merged else ""
        yield f"{usr}{below}", ("md5", bytes.fromhex(digest))


def _configuration_sums(root: str, path: str) -> Iterator[tuple[str, Sum]]:
    """Give the checksums of the distribution's configuration files."""
    status = (Path(root) / path).read_text(errors="surrogateescape")
    for match in re.finditer(r"^ /(\S+) ([0-9a-f]{32})", status, re.M):
        yield match[1], ("md5", bytes.fromhex(match[2]))


# What an installer writes itself is not published.
INSTALLER_FILES = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
FROM_URL_SAFE = str.maketrans("-_", "+/")


def _record_sums(root: str, record: str) -> Iterator[tuple[str, Sum]]:
    """Give the checksums of a Python package, unless it came from elsewhere than an index."""
    file = Path(root) / record
    if (file.parent / "direct_url.json").exists():
        return
    base = record.rpartition("/")[0].rpartition("/")[0] or "."
    with file.open(encoding="utf-8", errors="surrogateescape", newline="") as stream:
        for row in csv.reader(stream):
            if len(row) < 2 or not row[1].startswith("sha256="):
                continue
            if row[0].rpartition("/")[2] in INSTALLER_FILES and ".dist-info/" in row[0]:
                continue
            path = f"{base}/{row[0]}"
            if "./" in path or "//" in path:
                path = os.path.normpath(path)
            digest = binascii.a2b_base64(row[1][7:].translate(FROM_URL_SAFE) + "==")
            yield path, ("sha256", digest)


def _conda_sums(root: str, meta: str) -> Iterator[tuple[str, Sum]]:
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
                yield (
                    os.path.normpath(f"{prefix}/{entry['_path']}"),
                    ("sha256", bytes.fromhex(entry[name])),
                )


def source_of(path: str) -> str | None:
    """Return the source from which Python compiled this file."""
    if not path.endswith(".pyc"):
        return None
    match = re.fullmatch(r"(.*/)__pycache__/([^/]+?)\.[\w-]+(?:\.opt-\d)?\.pyc", path)
    return f"{match[1]}{match[2]}.py" if match else None


def has_digest(descriptor: int, size: int, sums: Iterable[Sum], buffer: memoryview) -> bool:
    """Say whether a file is exactly as its publisher made it; `size` is what it should be."""
    digests = {method: hashlib.new(method, usedforsecurity=False) for method, _ in sums}
    done = 0
    while read := os.preadv(descriptor, [buffer], done):
        done += read
        for digest in digests.values():
            digest.update(buffer[:read])
        if read < len(buffer) and done == size:
            break
    return any(digests[method].digest() == digest for method, digest in sums)


# ---- Several processes ------------------------------------------------------------------------


class Worker(NamedTuple):
    """A process that carries out lots of work, and the pipes to it and from it."""

    process_id: int
    lots: int
    results: int


def carry_out(work: Callable[[T], R], lots: deque[T], processes: int) -> Iterator[R]:
    """Carry out lots of work in several processes; whoever takes a result may add lots.

    Raises:
        ChildProcessError: a process died, or its work failed.
    """
    if processes <= 1:
        while lots:
            yield work(lots.popleft())
        return
    workers: dict[int, Worker] = {}
    poll = select.poll()
    try:
        for _ in range(PER_CORE * processes):
            worker = _start_worker(work, workers.values())
            workers[worker.results] = worker
            poll.register(worker.results, select.POLLIN)
        idle = list(workers.values())
        while lots or len(idle) < len(workers):
            while lots and idle:
                _send(idle.pop().lots, lots.popleft())
            for results, _ in poll.poll():
                succeeded, result = _receive(results)
                if not succeeded:
                    raise ChildProcessError(result)
                if lots:
                    _send(workers[results].lots, lots.popleft())
                else:
                    idle.append(workers[results])
                yield result
    finally:
        for worker in workers.values():
            os.kill(worker.process_id, signal.SIGKILL)
            os.close(worker.lots)
            os.close(worker.results)
            os.waitpid(worker.process_id, 0)


def _start_worker(work: Callable[[T], R], others: Iterable[Worker]) -> Worker:
    """Start a process that ends when nobody can send it a lot any more."""
    lots, to_lots = os.pipe()
    results, to_results = os.pipe()
    process_id = os.fork()
    if process_id:
        os.close(lots)
        os.close(to_results)
        return Worker(process_id, to_lots, results)
    try:
        for descriptor in (to_lots, results, *(end for each in others for end in each[1:])):
            os.close(descriptor)
        while True:
            lot = _receive(lots)
            answer: tuple[bool, R | str]
            try:
                answer = (True, work(lot))
            except Exception as error:  # noqa: BLE001 - it is raised again where it is awaited
                answer = (False, f"{type(error).__name__}: {error}")
            _send(to_results, answer)
    finally:
        os._exit(1)


def _send(descriptor: int, value: Any) -> None:
    content = marshal.dumps(value)
    message = memoryview(len(content).to_bytes(8, "little") + content)
    while message:
        message = message[os.write(descriptor, message) :]


def _receive(descriptor: int) -> Any:
    size = int.from_bytes(_read(descriptor, 8), "little")
    return marshal.loads(_read(descriptor, size))  # noqa: S302 - from a process of our own


def _read(descriptor: int, size: int) -> bytes:
    content = bytearray()
    while len(content) < size:
        chunk = os.read(descriptor, min(size - len(content), 1 << 20))
        if not chunk:
            raise ChildProcessError("a process of the search has died")
        content += chunk
    return bytes(content)


# ---- The files of a machine -------------------------------------------------------------------

Directories = tuple[int, list[str], int]
"""A number, directories to list with all below, and their file system."""
ListedFile = tuple[str, int, tuple[int, int] | None]
"""Path, size, and the file's identity if it has several names."""


class Listing(TypedDict):
    """What a process found below some directories, and which of them it left to others."""

    number: int
    files: list[ListedFile]
    published: Published
    unreadable: list[Unreadable]
    left: list[str]


def list_files(root: str, tops: tuple[str, ...], directories: Directories) -> Listing:
    """List the regular files below some directories. Never leaves their file system."""
    number, waiting, device = directories
    waiting.reverse()
    listing: Listing = {
        "number": number,
        "files": [],
        "published": [],
        "unreadable": [],
        "left": waiting,
    }
    entries = 0
    while waiting and entries < ENTRIES_AT_ONCE:
        directory = waiting.pop()
        try:
            with os.scandir(os.path.join(root, directory)) as found:  # noqa: PTH118
                names = sorted(found, key=attrgetter("name"))
        except FileNotFoundError:
            continue
        except OSError as error:
            listing["unreadable"].append(_unreadable(directory, error))
            continue
        entries += len(names)
        below = f"{directory}/" if directory else ""
        for path, status in _statuses(names, below, listing["unreadable"]):
            if stat.S_ISREG(status.st_mode):
                identity = (status.st_dev, status.st_ino) if status.st_nlink > 1 else None
                listing["files"].append((path, status.st_size, identity))
                listing["published"] += published_in(root, path)
            elif stat.S_ISDIR(status.st_mode) and status.st_dev == device and path not in tops:
                waiting.append(path)
    waiting.reverse()
    return listing


def _statuses(
    names: list[os.DirEntry[str]], below: str, unreadable: list[Unreadable]
) -> Iterator[tuple[str, os.stat_result]]:
    for name in names:
        path = below + name.name
        try:
            yield path, name.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        except OSError as error:
            unreadable.append(_unreadable(path, error))


class Walk:
    """The regular files below some directories, with the checksums that are published of them."""

    def __init__(self, root: str, directories: Iterable[str]) -> None:
        self.root = root
        self.tops = tuple(dict.fromkeys(directory.strip("/") for directory in directories))
        self.unreadable: list[Unreadable] = []
        self.published: dict[str, list[Sum]] = {}
        self.files: dict[str, int] = {}
        """Path and size, each file by the first of its names."""
        self._lots: deque[Directories] = deque()
        self._devices: list[int] = []
        """The file system of each lot, by the lot's number."""
        self._listed: dict[int, tuple[list[ListedFile], range]] = {}
        """The files of each lot, and the numbers of the lots that it left."""

    def list_all(self, processes: int) -> None:
        """List all, in several processes, each taking up what another has left."""
        for top in self.tops:
            try:
                self._add([top], os.lstat(os.path.join(self.root, top)).st_dev)  # noqa: PTH118
            except OSError as error:
                self.unreadable.append(_unreadable(top, error))
        first = range(len(self._devices))
        for listing in carry_out(partial(list_files, self.root, self.tops), self._lots, processes):
            self.unreadable += listing["unreadable"]
            for path, one in listing["published"]:
                self.published.setdefault(path, []).append(one)
            number, left, before = listing["number"], listing["left"], len(self._devices)
            step = max(1, len(left) // (2 * processes))
            for at in range(0, len(left), step):
                self._add(left[at : at + step], self._devices[number])
            self._listed[number] = (listing["files"], range(before, len(self._devices)))
        self._keep(first)

    def _add(self, directories: list[str], device: int) -> None:
        self._lots.append((len(self._devices), directories, device))
        self._devices.append(device)

    def _keep(self, numbers: range) -> None:
        """Keep what was listed, in the order of the directories, whoever listed it first."""
        seen: set[tuple[int, int]] = set()
        waiting = [*reversed(numbers)]
        while waiting:
            files, left = self._listed.pop(waiting.pop())
            waiting.extend(reversed(left))
            for path, size, identity in files:
                if identity is not None and identity in seen:
                    continue
                if identity is not None:
                    seen.add(identity)
                self.files[path] = size


# ---- The work of a process --------------------------------------------------------------------

Compiled = list[tuple[str, int, list[Sum]]]
Candidate = tuple[str, int, list[Sum], Compiled]
"""A file with its size, what it is if as published, and what was compiled from it.

With the size 0 it is only compared: it is empty, or is searched by another of its names.
"""
Lot = tuple[list[Candidate], list[tuple[str, int, int, bool]]]
"""Files to compare, and if need be to search, and tasks; plain, as they go through a pipe."""


class Part(TypedDict):
    """What a lot gave. What is `left` turned out to be worth sharing."""

    findings: list[tuple[int, Finding]]
    """With where the piece of the file starts."""
    unreadable: list[Unreadable]
    bytes: int
    left: list[tuple[str, int]]


class Search:
    """The work on one lot after the other."""

    def __init__(self, root: str, homes: tuple[str, ...]) -> None:
        self.root = root
        self.homes = homes
        self.buffer = memoryview(bytearray(READ))

    def carry_out(self, lot: Lot) -> Part:
        """Compare and search a lot; all of it is asked of the disk at once, before the first."""
        candidates, tasks = lot
        part: Part = {"findings": [], "unreadable": [], "bytes": 0, "left": []}
        opened: list[int | OSError] = []
        try:
            for path, size, _, _ in candidates:
                opened.append(self._open(path, 0, size))
            opened += [self._open(path, start, end) for path, start, end, _ in tasks]
            for candidate, file in zip(candidates, opened, strict=False):
                self._judge(candidate, file, part)
            for task, file in zip(tasks, opened[len(candidates) :], strict=True):
                self._search(Task(*task), file, part)
        finally:
            for file in opened:
                if isinstance(file, int):
                    os.close(file)
        return part

    def _open(self, path: str, start: int, end: int) -> int | OSError:
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            file = os.open(
                os.path.join(self.root, path),  # noqa: PTH118
                flags | os.O_NOFOLLOW if end else flags,
            )
        except OSError as error:
            return error
        with suppress(OSError):  # it is only advice
            os.posix_fadvise(file, start, min(end - start, PIECE), os.POSIX_FADV_WILLNEED)
        return file

    def _judge(self, candidate: Candidate, file: int | OSError, part: Part) -> None:
        """Leave a file out, with what was compiled from it, or search all of them."""
        path, size, sums, compiled = candidate
        if self._is_published(file, size, sums):
            return
        self._search_whole(path, size, file, part)
        for path, size, sums in compiled:
            self._judge_late((path, size, sums, []), part)

    def _judge_late(self, candidate: Candidate, part: Part) -> None:
        path, size, _, _ = candidate
        file = self._open(path, 0, size)
        try:
            self._judge(candidate, file, part)
        finally:
            if isinstance(file, int):
                os.close(file)

    def _is_published(self, file: int | OSError, size: int, sums: list[Sum]) -> bool:
        if not sums or isinstance(file, OSError):
            return False
        try:
            return has_digest(file, size, sums, self.buffer)
        except OSError:
            return False

    def _search_whole(self, path: str, size: int, file: int | OSError, part: Part) -> None:
        tasks = tasks_of(path, size)
        if len(tasks) > 1:
            part["left"].append((path, size))
            return
        for task in tasks:
            self._search(task, file, part)

    def _search(self, task: Task, file: int | OSError, part: Part) -> None:
        """Search a piece of a file; the first is also judged by the file's name."""
        if isinstance(file, FileNotFoundError):
            return  # gone since it was listed: it will not be in the image
        try:
            if isinstance(file, OSError):
                raise file
            for finding in _scan_file(file, task, self.homes):
                part["findings"].append((task.start, finding))
            part["bytes"] += task.end - task.start
        except OSError as error:
            part["unreadable"].append(_unreadable(task.path, error))


def lots_of(walk: Walk) -> deque[Lot]:
    """Share out what is to be searched, the largest lots first."""
    compiled: dict[str, Compiled] = {}
    alone: dict[str, int] = {}
    for path, size in walk.files.items():
        source = source_of(path)
        if source in walk.published and size:
            compiled.setdefault(source, []).append((path, size, walk.published.get(path, [])))
        elif size:
            alone[path] = size
    # To compare the source is enough, though it is empty or was listed by another name.
    alone.update((source, 0) for source in compiled if source not in alone)
    lots: list[tuple[int, Lot]] = []
    batch: list[Candidate] = []
    weight = 0
    for path, size in alone.items():
        sums = walk.published.get(path, [])
        if size > PIECE and not sums:
            lots += [(PIECE, lot) for lot in piece_lots(path, size)]
            continue
        batch.append((path, size, sums, compiled.get(path, [])))
        weight += size + FILE_WEIGHT
        if weight >= WEIGHT_AT_ONCE:
            lots.append((weight, (batch, [])))
            batch, weight = [], 0
    lots.append((weight, (batch, [])))
    lots.sort(key=lambda lot: lot[0], reverse=True)
    return deque(lot for _, lot in lots)


def piece_lots(path: str, size: int) -> list[Lot]:
    """Share out a single large file."""
    return [([], [(*task,)]) for task in tasks_of(path, size)]


# ---- The whole machine ------------------------------------------------------------------------


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
    walk.list_all(processes)
    search = Search(root, find_homes(root))
    lots = lots_of(walk)
    total: Part = {"findings": [], "unreadable": walk.unreadable, "bytes": 0, "left": []}
    for part in carry_out(search.carry_out, lots, processes):
        for path, size in part["left"]:
            lots.extend(piece_lots(path, size))
        total["findings"] += part["findings"]
        total["unreadable"] += part["unreadable"]
        total["bytes"] += part["bytes"]
    findings = [
        each for each in first_of_each_span(total["findings"]) if not is_expected(each, login)
    ]
    return {
        "findings": sorted(findings, key=lambda each: (each["path"], each["place"], each["rule"])),
        "unreadable": [
            {"path": path, "reason": reason}
            for path, reason in sorted(
                {(one["path"], one["reason"]) for one in total["unreadable"]}
            )
        ],
        "files": len(walk.files),
        "bytes": total["bytes"],
        "seconds": round(time.monotonic() - began, 3),
        "complete": True,
    }


def first_of_each_span(findings: Iterable[tuple[int, Finding]]) -> Iterator[Finding]:
    """Give what was told by a file's name, and the first credentials in each of its spans."""
    told: Counter[tuple[str, int]] = Counter()
    for start, finding in sorted(findings, key=lambda each: each[0]):
        if finding["place"]:
            span = (finding["path"], start // SPAN)
            told[span] += 1
            if told[span] > MOST_PER_FILE:
                continue
        yield finding


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
    gc.disable()
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
