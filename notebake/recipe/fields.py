"""The types of a recipe's fields, with error messages in plain words."""

import ipaddress
import re
import reprlib
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

# A disk or folder at one of these would hide a part of the system, or be lost at a boot.
HIDES_IF_AT = frozenset(
    ("/", "/home", "/opt", "/opt/notebake", "/srv", "/var", "/var/cache", "/var/lib", "/var/log")
)
HIDES_IF_UNDER = tuple(
    f"/{top}"
    for top in (
        *("bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "libx32", "lost+found", "proc"),
        *("root", "run", "sbin", "snap", "sys", "tmp", "usr", "var/spool", "var/tmp"),
    )
)
AUTO = "auto"
SHORT = reprlib.Repr()
SHORT.maxstring = 60
ADDRESS = re.compile(r"(?P<scheme>[a-z0-9]+)://(?P<user>[^\s@/]*@)?[^\s@/]+(/\S*)?")
PUBLIC_USER = (
    r"(?:(?:git|oauth2|anonymous|x-access-token|x-token-auth)@(?=[^\s@/]+(?:[\s/]|$))"
    r"|(?P<owner>[^\s@/:]+)@(?=[^\s@/]+/(?P=owner)(?:[\s/]|$)))"
)
"""User names without a password that hosts of git write themselves, and the owner of the path."""
CREDENTIAL = re.compile(rf"https?://(?!{PUBLIC_USER})[^/\s@]+@|://[^/\s@]+:[^/\s@]+@")
SIGNATURE = re.compile(r"[?&](x-amz-signature|signature|sig|(access_)?token|(api_?)?key)=", re.I)
DIGITS_OF_A_SHA256 = 64
ACCOUNT = r"\d{12}"
ORGANIZATION = r"arn:aws[a-z-]*:organizations::\d{12}:organization/o-[a-z0-9]{10,32}"
ORGANIZATIONAL_UNIT = (
    r"arn:aws[a-z-]*:organizations::\d{12}:ou/o-[a-z0-9]{10,32}/ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}"
)
"""As the API of Organizations has them; EC2 refuses an id without the rest of its ARN."""
TRUTHS = ("true", "True", "TRUE", "false", "False", "FALSE")
WHOLE_NUMBER = r"[-+]?(0|[1-9][0-9]{,4000})"  # Python's int() refuses more than 4300 digits
NUMBER = r"[-+]?(0|[1-9][0-9]*)?\.?[0-9]+([eE][-+]?[0-9]+)?"


class Unquoted(str):
    """A YAML scalar without quotes: `3.10` is text for a text field."""


def read_unquoted(value: object) -> object:
    """Return an unquoted number or truth value as such, as in JSON, and all else unchanged."""
    if not isinstance(value, Unquoted):
        return value
    if value in TRUTHS:
        return value.lower() == "true"
    if re.fullmatch(WHOLE_NUMBER, value):
        return int(value)
    return float(value) if re.fullmatch(NUMBER, value) else value


UNQUOTED = BeforeValidator(read_unquoted)
"""For a field that is not text: a quoted value is text, and refused."""


def matching(pattern: str, meaning: str) -> AfterValidator:
    """Accept only text that matches the pattern as a whole; the error states its meaning."""

    def check(text: str) -> str:
        if re.fullmatch(pattern, text):  # compiled when it is first needed
            return text
        raise ValueError(f"must be {meaning}, not {SHORT.repr(text)}")

    return AfterValidator(check)


def check_absolute(path: str) -> str:
    """Return the path without a trailing slash; ValueError if it is not plain and absolute."""
    if not re.fullmatch(r"/[A-Za-z0-9._/+-]*", path):
        raise ValueError(
            f"must be an absolute path of letters, digits and . _ + -, such as /data, not {path!r}"
        )
    if {".", ".."} & set(path.split("/")):
        raise ValueError(f"must not contain . or .. as a folder, as {path!r} does")
    return str(PurePosixPath("/" + path.strip("/")))


def check_outside_system(path: str) -> str:
    """Return the path; ValueError if a disk or folder there would hide a part of the system."""
    own = PurePosixPath(path)
    inside = next((top for top in HIDES_IF_UNDER if own.is_relative_to(top)), None)
    if inside or path in HIDES_IF_AT:
        raise ValueError(f"{path} belongs to the system; choose a place of its own, such as /data")
    if own.parent == PurePosixPath("/home"):
        raise ValueError(
            f"{path} holds the login user's keys and settings;"
            f" choose a place of its own, such as /data or {path}/data"
        )
    return path


def check_target(path: str) -> str:
    """Return the path; one that ends with / is a folder, which may be there for others, too."""
    plain = check_absolute(path)
    if not path.endswith("/"):
        return check_outside_system(plain)
    folder = f"{plain.rstrip('/')}/"
    check_outside_system(f"{folder}…")
    return folder


def check_relative(path: str) -> str:
    """Return a relative path that cannot leave its directory; ValueError otherwise."""
    if path.startswith("/") or ".." in PurePosixPath(path).parts or re.search(r"[\x00-\x1f]", path):
        raise ValueError(
            f"must be a path that stays inside: without a leading / and without .., not {path!r}"
        )
    return path


def check_ssh_source(text: str) -> str:
    """Return `auto` or an IPv4 block as EC2 would write it; ValueError otherwise."""
    if text == AUTO:
        return text
    try:
        block = ipaddress.ip_network(text, strict=False)
    except ValueError:
        block = None
    if not isinstance(block, ipaddress.IPv4Network):
        raise ValueError(f"must be auto or an IPv4 block such as 192.0.2.0/24, not {text!r}")
    if str(block) != text:
        raise ValueError(f"write {text!r} as {block}")
    return text


def check_no_credential(text: str) -> str:
    """Return the text; ValueError if an address in it names a user or holds a password."""
    if CREDENTIAL.search(text):
        raise ValueError("holds a credential, which would be kept with the recipe")
    return text


def address_of(schemes: tuple[str, ...], meaning: str) -> AfterValidator:
    """Accept only an address without a credential; the error never repeats the address."""

    def check(address: str) -> str:
        parts = ADDRESS.fullmatch(address)
        if not parts or parts["scheme"] not in schemes:
            raise ValueError(f"must be {meaning}, without a password")
        if SIGNATURE.search(address):
            raise ValueError("holds a signature or token, which would be kept with the recipe")
        user = parts["user"] or ""
        if ":" in user:
            raise ValueError("holds a credential, which would be kept with the recipe")
        if not user or parts["scheme"] in ("ssh", "sftp"):
            return address
        if re.match(PUBLIC_USER, address.partition("://")[2]):
            return address.replace(user, "", 1)
        raise ValueError(
            "holds a credential, which would be kept with the recipe: what is before the @ may be"
            " a token; leave it out"
        )

    return AfterValidator(check)


Name = Annotated[
    str,
    matching(
        r"[a-z0-9][a-z0-9-]{0,39}",
        "at most 40 lower-case letters, digits and hyphens, and must not begin with a hyphen",
    ),
]
OwnPath = Annotated[str, AfterValidator(check_absolute), AfterValidator(check_outside_system)]
TargetPath = Annotated[str, AfterValidator(check_target)]
RelativePath = Annotated[str, AfterValidator(check_relative)]
Recipient = Annotated[
    str,
    matching(
        f"{ACCOUNT}|{ORGANIZATION}|{ORGANIZATIONAL_UNIT}",
        "the 12 digits of an AWS account, or the whole ARN of an organization or of a unit in it",
    ),
]
Sha256 = Annotated[
    str, matching(rf"[0-9a-f]{{{DIGITS_OF_A_SHA256}}}", "the 64 lower-case hex digits of sha256sum")
]
Package = Annotated[
    str,
    matching(
        r"""[A-Za-z0-9][^\s;&|$`\\"']*""",
        "one package, such as numpy or numpy==2.1 (no spaces, quotes or markers)",
    ),
    AfterValidator(check_no_credential),
]
Region = Annotated[str, matching(r"[a-z]{2,4}(-[a-z]+)+-\d+", "an AWS region such as us-west-2")]
InstanceType = Annotated[
    str, matching(r"[a-z][a-z0-9-]*\.[a-z0-9-]+", "an instance type such as m6i.large")
]
RoleArn = Annotated[
    str,
    matching(
        r"arn:aws[a-z-]*:iam::\d{12}:role/[A-Za-z0-9_+=,.@/-]{1,512}",
        "the ARN of a role, such as arn:aws:iam::123456789012:role/notebake-scheduler",
    ),
]
SshSource = Annotated[str, AfterValidator(check_ssh_source)]


def id_of(prefix: str) -> AfterValidator:
    """Accept only an EC2 id with this prefix."""
    return matching(rf"{prefix}-[0-9a-f]{{8,17}}", f"an id such as {prefix}-0123456789abcdef0")
