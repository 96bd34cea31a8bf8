"""The system of every new machine: a small version of this distribution, set up as on EC2.

Needs   root, mmdebstrap, the machine's own package sources
Gives   an immutable directory, built once, which all sandboxes of this machine share
"""

import hashlib
import json
import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.files import locked
from sandbox.hosts import apt_sources
from sandbox.programs import run_program

FILES = Path(__file__).parents[1] / "base"
DEFAULT_CACHE = Path("/var/cache/notebake-sandbox")
LOCAL_CERTIFICATES = Path("/usr/local/share/ca-certificates")
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
CERTIFICATE_VARIABLES = (
    "SSL_CERT_FILE",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "AWS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
)
PROXY_VARIABLES = ("http_proxy", "https_proxy", "no_proxy")
EXCLUDED = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*")
BUILD_TIMEOUT_SECONDS = 1800


@dataclass(frozen=True)
class Definition:
    """Everything that determines the content of the base system."""

    codename: str
    architecture: str
    packages: tuple[str, ...]
    sources: str
    apt_options: tuple[str, ...]
    environment: tuple[str, ...]
    certificates: tuple[tuple[str, str], ...]
    files_digest: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(json.dumps(vars(self), sort_keys=True).encode()).hexdigest()[:16]


def read_definition() -> Definition:
    """Return the definition from which this machine would build a base system."""
    release = platform.freedesktop_os_release()
    # A distribution made from Ubuntu uses Ubuntu's archive.
    codename = release.get("UBUNTU_CODENAME") or release.get("VERSION_CODENAME", "")
    certificates = sorted(LOCAL_CERTIFICATES.rglob("*.crt"))
    names = (FILES / "packages.txt").read_text().split()
    return Definition(
        codename=codename,
        architecture=platform.machine(),
        packages=tuple(names),
        sources=apt_sources.read_sources(Path("/etc/apt"), codename),
        apt_options=tuple(apt_sources.read_options()),
        environment=tuple(_environment(bool(certificates))),
        certificates=tuple((path.name, path.read_text()) for path in certificates),
        files_digest=_digest_of(FILES),
    )


def cache_path() -> Path:
    """Return the directory that holds the base systems of this machine."""
    return Path(os.environ.get("NOTEBAKE_SANDBOX_CACHE") or DEFAULT_CACHE).absolute()


def find_base() -> Path | None:
    """Return the base system if it has been built from the present definition."""
    path = cache_path() / f"base-{read_definition().digest}"
    return path if path.is_dir() else None


def make_base(report: Callable[[str], None]) -> Path:
    """Return the base system, building it if necessary (about a minute)."""
    definition = read_definition()
    path = cache_path() / f"base-{definition.digest}"
    if path.is_dir():
        return path
    if not definition.sources:
        raise SandboxError("No package sources of this distribution found below /etc/apt")
    with locked(cache_path() / "lock"):
        if not path.is_dir():
            _build(definition, path, report)
    return path


def _build(definition: Definition, path: Path, report: Callable[[str], None]) -> None:
    """Build in a temporary directory and rename it, so that an existing base is complete."""
    temporary = path.with_name(f".{path.name}.part")
    sources = path.with_name(f".{path.name}.sources")
    shutil.rmtree(temporary, ignore_errors=True)
    sources.write_text(definition.sources)
    count = len(definition.packages)
    report(f"Unpacking {definition.codename}: {count} packages and their dependencies")
    try:
        _unpack(definition, sources, temporary)
        report("Setting up the cloud image")
        _set_up(definition, temporary)
        temporary.rename(path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    finally:
        sources.unlink()
    report(f"The base system is at {path}")


def _unpack(definition: Definition, sources: Path, root: Path) -> None:
    run_program(
        "mmdebstrap",
        "--quiet",
        "--mode=root",
        "--variant=minbase",
        "--format=directory",
        f"--include={','.join(definition.packages)}",
        *(f"--aptopt={option}" for option in definition.apt_options),
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in EXCLUDED),
        "--dpkgopt=path-include=/usr/share/locale/locale.alias",
        definition.codename,
        root,
        sources,
        timeout_seconds=BUILD_TIMEOUT_SECONDS,
    )


def _set_up(definition: Definition, root: Path) -> None:
    shutil.copytree(FILES / "files", root, dirs_exist_ok=True)
    for name, text in definition.certificates:
        (root / LOCAL_CERTIFICATES.relative_to("/") / name).write_text(text)
    with (root / "etc/environment").open("a") as file:
        file.writelines(f"{line}\n" for line in definition.environment)
    if definition.environment:
        services = root / "etc/systemd/system.conf.d/environment.conf"
        services.parent.mkdir(parents=True, exist_ok=True)
        quoted = " ".join(f'"{line}"' for line in definition.environment)
        services.write_text(f"[Manager]\nDefaultEnvironment={quoted}\n")
    finish = (FILES / "finish.sh").read_text()
    run_program("chroot", root, "/bin/sh", stdin=finish, timeout_seconds=300)
    root.chmod(0o755)


def _environment(has_own_certificates: bool) -> list[str]:
    """Return the variables (NAME=value) with which programs on a machine reach the internet."""
    lines = [f"{name}={os.environ[name]}" for name in PROXY_VARIABLES if os.environ.get(name)]
    if has_own_certificates:
        lines += [f"{name}={CERTIFICATES}" for name in CERTIFICATE_VARIABLES]
    return lines


def _digest_of(folder: Path) -> str:
    """Return a digest of every file below, with its path and mode."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder)} {path.stat().st_mode & 0o111}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
