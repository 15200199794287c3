import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.checkpoint import (
    MAX_SIGNATURES,
    BadSignature,
    BadVerifierKey,
    Checkpoint,
    CheckpointError,
    MalformedCheckpoint,
    UnknownSigner,
    open_note,
    parse_and_verify,
    parse_verifier_key,
    sign_checkpoint,
    sign_note,
    verifier_key,
)
from app.core.merkle import leaf_hash

# The published example of Go's sumdb/note, the format's reference implementation.
GO_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
GO_VERIFIER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_NOTE = GO_TEXT + (
    "\n\u2014 PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)

ORIGIN = "countersign.example/audit"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
VERIFIER = verifier_key(ORIGIN, KEY.public_key())
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
ROOT = leaf_hash(b"the log")
SIGNED = sign_checkpoint(ORIGIN, 42, ROOT, KEY)


def signed_text(text, key=KEY, name=ORIGIN):
    return sign_note(text, name, key)


def test_notes_are_those_of_the_reference_implementation():
    private = Ed25519PrivateKey.from_private_bytes(GO_SEED)
    assert verifier_key("PeterNeumann", private.public_key()) == GO_VERIFIER
    assert sign_note(GO_TEXT, "PeterNeumann", private) == GO_NOTE
    assert open_note(GO_NOTE, parse_verifier_key(GO_VERIFIER)) == GO_TEXT


def test_a_checkpoint_has_three_lines_a_blank_one_and_a_signature():
    lines = SIGNED.split("\n")
    assert lines[:4] == [ORIGIN, "42", base64.b64encode(ROOT).decode(), ""]
    assert lines[4].startswith(f"\u2014 {ORIGIN} ")
    assert lines[5:] == [""]


def test_a_signed_checkpoint_comes_back():
    assert parse_and_verify(SIGNED, VERIFIER) == Checkpoint(ORIGIN, 42, ROOT)
    empty = sign_checkpoint(ORIGIN, 0, ROOT, KEY)
    assert parse_and_verify(empty, VERIFIER + "\n").size == 0


@pytest.mark.parametrize(
    "altered",
    [
        SIGNED.replace("\n42\n", "\n43\n"),
        SIGNED.replace(base64.b64encode(ROOT).decode(), base64.b64encode(leaf_hash(b"else")).decode()),
        SIGNED.replace(ORIGIN + "\n", "elsewhere.example/log\n", 1),
        SIGNED.replace("\n\n", "\nan extension line\n\n"),
    ],
)
def test_a_changed_text_is_caught(altered):
    with pytest.raises(BadSignature):
        parse_and_verify(altered, VERIFIER)


def test_another_key_is_not_the_signer():
    with pytest.raises(UnknownSigner):
        parse_and_verify(SIGNED, verifier_key(ORIGIN, OTHER.public_key()))
    with pytest.raises(UnknownSigner):
        parse_and_verify(SIGNED, verifier_key("elsewhere.example/log", KEY.public_key()))


def test_a_key_does_not_vouch_for_a_log_of_another_name():
    text = f"elsewhere.example/log\n1\n{base64.b64encode(ROOT).decode()}\n"
    with pytest.raises(UnknownSigner, match=r"elsewhere\.example"):
        parse_and_verify(signed_text(text), VERIFIER)


def test_a_forged_line_under_our_key_id_is_caught():
    blob = base64.b64decode(SIGNED.split(" ")[-1])
    forged = base64.b64encode(blob[:4] + bytes(64)).decode()
    with pytest.raises(BadSignature):
        parse_and_verify(SIGNED.rpartition(" ")[0] + f" {forged}\n", VERIFIER)


def test_a_signature_has_one_spelling():
    # 68 bytes leave two spare bits in the last base64 digit before the padding.
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    respelled = SIGNED[:-3] + digits[digits.index(SIGNED[-3]) + 1] + "=\n"
    assert base64.b64decode(respelled.split(" ")[-1]) == base64.b64decode(SIGNED.split(" ")[-1])
    with pytest.raises(MalformedCheckpoint):
        parse_and_verify(respelled, VERIFIER)


def test_signatures_of_witnesses_are_passed_over():
    text = SIGNED.partition("\n\n")[0] + "\n"
    witness = signed_text(text, OTHER, "witness.example").partition("\n\n")[2]
    body, _, ours = SIGNED.partition("\n\n")
    for block in (ours + witness, witness + ours):
        assert parse_and_verify(f"{body}\n\n{block}", VERIFIER).size == 42
    with pytest.raises(UnknownSigner):
        parse_and_verify(f"{body}\n\n{witness}", VERIFIER)


def test_extension_lines_are_allowed_when_signed():
    text = SIGNED.partition("\n\n")[0] + "\nsome extension\n"
    assert parse_and_verify(signed_text(text), VERIFIER) == Checkpoint(ORIGIN, 42, ROOT)


@pytest.mark.parametrize(
    "text",
    [
        f"{ORIGIN}\n42\n",
        f"{ORIGIN}\n042\n{base64.b64encode(ROOT).decode()}\n",
        f"{ORIGIN}\n-1\n{base64.b64encode(ROOT).decode()}\n",
        f"{ORIGIN}\n\u0664\u0662\n{base64.b64encode(ROOT).decode()}\n",
        f"{ORIGIN}\n9223372036854775808\n{base64.b64encode(ROOT).decode()}\n",
        f"{ORIGIN}\n42\n{base64.b64encode(ROOT[:31]).decode()}\n",
        f"{ORIGIN}\n42\nnot base64\n",
    ],
)
def test_a_signed_text_that_is_no_checkpoint_is_refused(text):
    with pytest.raises(MalformedCheckpoint):
        parse_and_verify(signed_text(text), VERIFIER)


@pytest.mark.parametrize(
    "note",
    [
        "",
        "no signature at all\n",
        SIGNED[:-1],
        SIGNED.replace("\n", "\r\n"),
        SIGNED.replace("\u2014 ", "-- "),
        SIGNED[:-2] + "*\n",
        SIGNED + "trailing words\n",
        SIGNED + SIGNED.split("\n")[4] * 2 + "\n",
        SIGNED + (SIGNED.split("\n")[4] + "\n") * MAX_SIGNATURES,
        "x" * (1 << 20) + SIGNED,
    ],
)
def test_what_is_no_signed_note_is_refused(note):
    with pytest.raises(MalformedCheckpoint):
        parse_and_verify(note, VERIFIER)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "name only",
        "a+b",
        VERIFIER.replace("+", " ", 1),
        VERIFIER[:-2],
        "\ud800+00000000+" + VERIFIER.split("+", 2)[2],
        f"{ORIGIN}+00000000+" + VERIFIER.split("+", 2)[2],
        VERIFIER.replace(ORIGIN, "renamed"),
        f"{ORIGIN}+{VERIFIER.split('+')[1]}+" + base64.b64encode(b"\x02" + bytes(32)).decode(),
    ],
)
def test_a_bad_verifier_key_says_so(key):
    with pytest.raises(BadVerifierKey, match="verifier key"):
        parse_and_verify(SIGNED, key)


@pytest.mark.parametrize(
    ("origin", "size", "root"),
    [
        ("", 1, ROOT),
        ("two words", 1, ROOT),
        ("a+b", 1, ROOT),
        ("a\nb", 1, ROOT),
        (ORIGIN, -1, ROOT),
        (ORIGIN, 1 << 63, ROOT),
        (ORIGIN, 1, ROOT[:-1]),
    ],
)
def test_nothing_is_signed_that_would_not_verify(origin, size, root):
    with pytest.raises(CheckpointError):
        sign_checkpoint(origin, size, root, KEY)
