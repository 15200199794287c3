"""RFC 6962 Merkle trees over SHA-256: an appendable frontier, and inclusion and consistency proofs.

Everywhere `leaves` are leaf hashes (32 bytes each, as `leaf_hash` makes them), `index` counts from 0, and a
proof is a tuple of 32-byte hashes in the order of the RFC. To a verifier a malformed proof is just False.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256

import msgspec

from app.core.errors import CountersignError

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()
_SIZE_BYTES = 8

Proof = tuple[bytes, ...]


class MerkleError(CountersignError, ValueError):
    """A size, an index or stored bytes that no tree can have."""


def leaf_hash(data: bytes) -> bytes:
    """SHA-256 over 0x00 and the data, so that no leaf can pass for a node."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256 over 0x01 and both children."""
    return sha256(b"\x01" + left + right).digest()


class Frontier(msgspec.Struct, frozen=True):
    """All of a tree that an append or a root needs: the roots of its complete subtrees, largest first.

    There is one for each 1 bit of `size`, so at most 63 hashes however long the log is.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def append(self, leaf: bytes) -> Frontier:
        """The frontier with one more leaf hash at the end."""
        if len(leaf) != HASH_SIZE:
            raise MerkleError(f"leaf hash: {HASH_SIZE} bytes expected, got {len(leaf)}")
        # Each trailing 1 bit of the size is a complete subtree that now has a sibling of its own height.
        merges = (~self.size & (self.size + 1)).bit_length() - 1
        kept = len(self.hashes) - merges
        node = leaf
        for left in reversed(self.hashes[kept:]):
            node = node_hash(left, node)
        return Frontier(self.size + 1, (*self.hashes[:kept], node))

    def root(self) -> bytes:
        """The tree's root; `EMPTY_ROOT` for no leaves."""
        if not self.hashes:
            return EMPTY_ROOT
        node = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            node = node_hash(left, node)
        return node

    def to_bytes(self) -> bytes:
        """8 bytes of size, big-endian, then the hashes."""
        return self.size.to_bytes(_SIZE_BYTES, "big") + b"".join(self.hashes)

    @classmethod
    def from_bytes(cls, data: bytes) -> Frontier:
        """Inverse of `to_bytes`. Raises MerkleError when the length does not fit the size."""
        size = int.from_bytes(data[:_SIZE_BYTES], "big")
        if len(data) != _SIZE_BYTES + HASH_SIZE * size.bit_count():
            raise MerkleError(f"frontier: {len(data)} bytes cannot be a tree of size {size}")
        return cls(size, tuple(data[i : i + HASH_SIZE] for i in range(_SIZE_BYTES, len(data), HASH_SIZE)))


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Root over all the given leaf hashes."""
    if not leaves:
        return EMPTY_ROOT
    level = leaves
    while len(level) > 1:
        level = _parents(level)
    return level[0]


def inclusion_proof(leaves: Sequence[bytes], index: int, size: int) -> Proof:
    """Proof that leaf `index` is in the tree of the first `size` leaves; MerkleError when it is not."""
    return inclusion_proofs(leaves, (index,), size)[index]


def inclusion_proofs(leaves: Sequence[bytes], indexes: Collection[int], size: int) -> Mapping[int, Proof]:
    """`inclusion_proof` for several leaves in one pass, so proving a whole case hashes the log once."""
    if not 0 <= size <= len(leaves):
        raise MerkleError(f"size: {size} is not between 0 and {len(leaves)}")
    for index in indexes:
        if not 0 <= index < size:
            raise MerkleError(f"index: {index} is not in a tree of size {size}")
    paths: dict[int, list[bytes]] = {index: [] for index in indexes}
    level: Sequence[bytes] = leaves[:size]
    height = 0
    while len(level) > 1:
        for index, path in paths.items():
            sibling = (index >> height) ^ 1
            if sibling < len(level):
                path.append(level[sibling])
        level = _parents(level)
        height += 1
    return {index: tuple(path) for index, path in paths.items()}


def consistency_proof(leaves: Sequence[bytes], first: int, second: int) -> Proof:
    """Proof that the tree of `first` leaves is a prefix of that of `second`; MerkleError when not."""
    if not 0 <= first <= second <= len(leaves):
        raise MerkleError(f"sizes: 0 <= {first} <= {second} <= {len(leaves)} does not hold")
    if first in (0, second):
        return ()
    path: list[bytes] = []
    start, known, size = 0, first, second
    while known != size:
        split = 1 << (size - 1).bit_length() - 1
        if known <= split:
            path.append(root_of(leaves[start + split : start + size]))
            size = split
        else:
            path.append(root_of(leaves[start : start + split]))
            start, known, size = start + split, known - split, size - split
    if start:
        # When the old tree is itself a subtree of the new one, the verifier has that root already.
        path.append(root_of(leaves[start : start + size]))
    return tuple(reversed(path))


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `leaf` stands at `index` in the tree of `size` leaves with this root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size or not _hashes_only((leaf, root, *proof)):
        return False
    position, last, node = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            node = node_hash(sibling, node)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and node == root


def verify_consistency(first: int, second: int, proof: Sequence[bytes], first_root: bytes, second_root: bytes) -> bool:
    """Whether the log of size `second` only appended to the one of size `first` (RFC 9162, 2.1.4.2)."""
    if not 0 <= first <= second or not _hashes_only((first_root, second_root, *proof)):
        return False
    if first == second:
        return not proof and first_root == second_root
    if first == 0:
        return not proof and first_root == EMPTY_ROOT
    path = list(proof) if first & (first - 1) else [first_root, *proof]
    if not path:
        return False
    position, last = first - 1, second - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


def _parents(level: Sequence[bytes]) -> list[bytes]:
    """The next level up; an odd last node rises as it is, which gives exactly the RFC's left-heavy split."""
    pairs = len(level) // 2 * 2
    above = [node_hash(level[i], level[i + 1]) for i in range(0, pairs, 2)]
    above.extend(level[pairs:])
    return above


def _hashes_only(values: Sequence[bytes]) -> bool:
    return all(len(value) == HASH_SIZE for value in values)
