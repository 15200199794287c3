from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.merkle import (
    EMPTY_ROOT,
    Frontier,
    MerkleError,
    consistency_proof,
    inclusion_proof,
    inclusion_proofs,
    leaf_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

# The inputs, roots and proofs of Certificate Transparency's reference tests.
CT_INPUTS = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
CT_INCLUSION = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
}
CT_CONSISTENCY = {
    (1, 1): [],
    (1, 8): CT_INCLUSION[0, 8],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
LEAVES = [leaf_hash(bytes.fromhex(data)) for data in CT_INPUTS]


def naive_root(leaves):
    """RFC 6962's definition of MTH, word for word."""
    if len(leaves) <= 1:
        return leaves[0] if leaves else sha256(b"").digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + naive_root(leaves[:split]) + naive_root(leaves[split:])).digest()


def frontier_of(leaves):
    frontier = Frontier()
    for leaf in leaves:
        frontier = frontier.append(leaf)
    return frontier


def some_leaves(count):
    return [leaf_hash(number.to_bytes(2, "big")) for number in range(count)]


def test_the_empty_tree_has_the_hash_of_nothing():
    assert Frontier().root() == EMPTY_ROOT == sha256(b"").digest()


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_certificate_transparency(size):
    assert frontier_of(LEAVES[:size]).root().hex() == CT_ROOTS[size]
    assert root_of(LEAVES[:size]).hex() == CT_ROOTS[size]


@pytest.mark.parametrize(("index", "size"), CT_INCLUSION)
def test_inclusion_proofs_are_those_of_certificate_transparency(index, size):
    proof = inclusion_proof(LEAVES, index, size)
    assert [step.hex() for step in proof] == CT_INCLUSION[index, size]
    assert verify_inclusion(LEAVES[index], index, size, proof, bytes.fromhex(CT_ROOTS[size]))


@pytest.mark.parametrize(("first", "second"), CT_CONSISTENCY)
def test_consistency_proofs_are_those_of_certificate_transparency(first, second):
    proof = consistency_proof(LEAVES, first, second)
    assert [step.hex() for step in proof] == CT_CONSISTENCY[first, second]
    assert verify_consistency(first, second, proof, bytes.fromhex(CT_ROOTS[first]), bytes.fromhex(CT_ROOTS[second]))


@given(st.lists(st.binary(max_size=4).map(leaf_hash), max_size=70))
def test_frontier_agrees_with_the_definition_and_survives_storage(leaves):
    frontier = frontier_of(leaves)
    assert frontier.size == len(leaves)
    assert frontier.root() == root_of(leaves) == naive_root(leaves)
    assert Frontier.from_bytes(frontier.to_bytes()) == frontier


def test_every_inclusion_proof_up_to_size_33_verifies_and_for_its_place_only():
    leaves = some_leaves(33)
    for size in range(1, 34):
        root = naive_root(leaves[:size])
        for index, proof in inclusion_proofs(leaves, range(size), size).items():
            assert proof == inclusion_proof(leaves, index, size)
            assert verify_inclusion(leaves[index], index, size, proof, root)
            assert not any(
                verify_inclusion(leaves[index], other, size, proof, root) for other in range(size + 1) if other != index
            )


def test_every_consistency_proof_up_to_size_33_verifies_and_for_its_sizes_only():
    leaves = some_leaves(33)
    roots = [naive_root(leaves[:size]) for size in range(34)]
    for second in range(34):
        for first in range(second + 1):
            proof = consistency_proof(leaves, first, second)
            assert verify_consistency(first, second, proof, roots[first], roots[second])
            if 0 < first < second:
                assert not verify_consistency(first, second, proof, roots[first - 1], roots[second])
                assert not verify_consistency(first, second, proof, roots[first], roots[second - 1])
                assert not verify_consistency(first - 1, second, proof, roots[first - 1], roots[second])


@given(st.data())
def test_a_tampered_proof_fails(data):
    leaves = some_leaves(data.draw(st.integers(2, 40)))
    size = len(leaves)
    root = naive_root(leaves)
    index = data.draw(st.integers(0, size - 1))
    proof = list(inclusion_proof(leaves, index, size))
    first = data.draw(st.integers(1, size - 1))
    growth = list(consistency_proof(leaves, first, size))
    old = naive_root(leaves[:first])
    mangle = data.draw(st.sampled_from([flipped, shortened, lengthened, stunted]))
    assert not verify_inclusion(leaves[index], index, size, mangle(proof), root)
    assert not verify_consistency(first, size, mangle(growth), old, root)
    assert not verify_inclusion(leaf_hash(b"another"), index, size, proof, root)


def flipped(proof):
    return [bytes([proof[0][0] ^ 1]) + proof[0][1:], *proof[1:]]


def shortened(proof):
    return proof[:-1]


def lengthened(proof):
    return [*proof, leaf_hash(b"more")]


def stunted(proof):
    return [proof[0][:-1], *proof[1:]]


def test_a_rewritten_history_is_not_consistent():
    old, new = some_leaves(6), some_leaves(11)
    new[2] = leaf_hash(b"changed afterwards")
    proof = consistency_proof(new, 6, 11)
    assert not verify_consistency(6, 11, proof, root_of(old), root_of(new))


def test_consistency_from_the_empty_tree_needs_its_root_and_no_proof():
    root = naive_root(LEAVES)
    assert verify_consistency(0, 8, (), EMPTY_ROOT, root)
    assert not verify_consistency(0, 8, (), LEAVES[0], root)
    assert not verify_consistency(0, 8, LEAVES[:1], EMPTY_ROOT, root)
    assert not verify_consistency(3, 8, (), naive_root(LEAVES[:3]), root)
    assert not verify_consistency(8, 3, (), root, naive_root(LEAVES[:3]))


@pytest.mark.parametrize(("index", "size"), [(3, 3), (-1, 3), (0, 9), (0, -1), (0, 0)])
def test_what_is_not_in_the_tree_has_no_proof(index, size):
    with pytest.raises(MerkleError):
        inclusion_proof(LEAVES, index, size)


@pytest.mark.parametrize(("first", "second"), [(3, 2), (-1, 2), (1, 9)])
def test_sizes_out_of_order_have_no_consistency_proof(first, second):
    with pytest.raises(MerkleError):
        consistency_proof(LEAVES, first, second)


@pytest.mark.parametrize("cut", [-1, -32, 7])
def test_a_cut_frontier_is_refused(cut):
    with pytest.raises(MerkleError, match="frontier"):
        Frontier.from_bytes(frontier_of(LEAVES[:5]).to_bytes()[:cut])


def test_only_whole_hashes_are_appended():
    with pytest.raises(MerkleError, match="leaf hash"):
        Frontier().append(b"too short")
