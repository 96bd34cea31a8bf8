"""The Merkle tree of RFC 6962, section 2.1: its root, and the proof that a tree continues another.

https://www.rfc-editor.org/rfc/rfc6962#section-2.1
"""

import hashlib
from collections.abc import Sequence


def leaf_hash(content: bytes) -> bytes:
    """Return the hash of a leaf (32 bytes)."""
    return hashlib.sha256(b"\x00" + content).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root (32 bytes) of a tree with these leaf hashes.

    The subtrees that are complete so far are kept by size, so a tree of n leaves takes n hashes.
    """
    complete: list[tuple[int, bytes]] = []
    for leaf in leaves:
        size, node = 1, leaf
        while complete and complete[-1][0] == size:
            node = _node_hash(complete.pop()[1], node)
            size *= 2
        complete.append((size, node))
    if not complete:
        return hashlib.sha256(b"").digest()
    root = complete.pop()[1]
    while complete:
        root = _node_hash(complete.pop()[1], root)
    return root


def _node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
