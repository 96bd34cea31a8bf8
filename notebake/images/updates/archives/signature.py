"""Verifies what an archive has signed, by gpgv and with exactly the keys that an image trusts."""

import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from notebake.images.updates.archives.keyrings import TrustedKeys
from notebake.images.updates.archives.source import ArchiveError
from notebake.timeouts import ARCHIVES_SECONDS

STATUS = re.compile(r"^\[GNUPG:\] (?P<word>\w+) ?(?P<rest>.*)$", re.MULTILINE)
WEAK_DIGESTS = ("--weak-digest", "SHA1", "--weak-digest", "RIPEMD160")
"""As apt has it (methods/gpgv.cc); gpgv itself refuses MD5."""
BEGIN = b"-----BEGIN PGP SIGNED MESSAGE-----"
FAULTS = {
    "BADSIG": "the signature is wrong",
    "EXPKEYSIG": "the key has expired",
    "EXPSIG": "the signature has expired",
    "REVKEYSIG": "the key was revoked",
    "ERRSIG": "it is signed with a key that the image does not trust",
    "NODATA": "there is no signature",
}
"""What gpgv says of a signature that does not count (GnuPG's doc/DETAILS)."""


def verify_inline(signed: bytes, keys: TrustedKeys, name: str) -> bytes:
    """Return the text of a message that holds its own signature, such as InRelease.

    Raises:
        ArchiveError: it is not signed as the image would accept it, or gpgv is missing.
    """
    if not signed.startswith(BEGIN) or signed.count(b"\n" + BEGIN):
        raise ArchiveError(f"{name} is not one signed message; it begins {shown(signed)}")
    return run_gpgv(keys, name, ["--output", "-", "{}/file"], {"file": signed})


def verify_detached(content: bytes, signature: bytes, keys: TrustedKeys, name: str) -> bytes:
    """Return the content if the signature beside it is one that the image would accept."""
    files = {"file": content, "signature": signature}
    run_gpgv(keys, name, ["{}/signature", "{}/file"], files)
    return content


def run_gpgv(keys: TrustedKeys, name: str, words: Sequence[str], files: dict[str, bytes]) -> bytes:
    """Return what gpgv prints for these files, which lie in a folder called {} in the words."""
    if not keys.allowed:
        raise ArchiveError(f"{name}: the image trusts no key for it")
    with tempfile.TemporaryDirectory(prefix="notebake-") as folder:
        for file, content in files.items():
            (Path(folder) / file).write_bytes(content)
        line = ["gpgv", "--homedir", folder, "--status-fd", "2", *WEAK_DIGESTS]
        for number, ring in enumerate(keys.keyrings):
            (Path(folder) / f"{number}.gpg").write_bytes(ring)
            line += ["--keyring", f"{folder}/{number}.gpg"]
        line += [word.replace("{}", folder) for word in words]
        try:
            done = subprocess.run(line, capture_output=True, timeout=ARCHIVES_SECONDS, check=False)
        except FileNotFoundError:
            raise ArchiveError(
                f"{name}: gpgv is not installed on this computer, so its signature is not verified"
            ) from None
        except (OSError, subprocess.SubprocessError) as error:
            raise ArchiveError(f"{name}: gpgv did not run: {error}") from None
    check_status(done.stderr.decode(errors="replace"), keys, name)
    return done.stdout


def check_status(printed: str, keys: TrustedKeys, name: str) -> None:
    """Raise ArchiveError unless one signature is good, by an allowed key, and none is wrong."""
    found = [(each["word"], each["rest"].split()) for each in STATUS.finditer(printed)]
    words = [word for word, _ in found]
    # The last word of VALIDSIG is the fingerprint of the primary key.
    valid = {rest[-1].upper() for word, rest in found if word == "VALIDSIG" and rest}
    if "GOODSIG" in words and valid & keys.allowed and "BADSIG" not in words:
        return
    faults = [(FAULTS[word], rest[:1]) for word, rest in found if word in FAULTS]
    if not faults and valid:
        faults = [("it is signed with a key that the image does not trust", sorted(valid)[:1])]
    text, key = faults[0] if faults else (printed.strip()[-200:] or "gpgv accepts nothing", [])
    raise ArchiveError(f"{name}: {text}{f' ({key[0]})' if key and key[0].isalnum() else ''}")


def shown(content: bytes) -> str:
    """Return how some content begins, for a message."""
    return repr(content[:40].decode(errors="replace"))
