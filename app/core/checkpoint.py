"""C2SP tlog-checkpoint: a tree's size and root, signed as a C2SP signed note with Ed25519.

CheckpointError
├── MalformedCheckpoint   not a signed note, or its text is not a checkpoint
├── BadVerifierKey        not `name+hexkeyid+base64`, or its parts disagree
├── UnknownSigner         well formed, but this key did not sign it, or it speaks for another log
└── BadSignature          claims this key's signature, and the signature is false
"""

from __future__ import annotations

import base64
import binascii
import re
from hashlib import sha256

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from app.core.errors import CountersignError
from app.core.merkle import HASH_SIZE

MAX_NOTE_CHARS = 1 << 20
MAX_SIGNATURES = 100
MAX_SIZE = (1 << 63) - 1
_ALGORITHM_ED25519 = b"\x01"
_KEY_ID_BYTES = 4
_PUBLIC_KEY_BYTES = 32
_SIGNATURE_PREFIX = "\u2014 "
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
_NAME = re.compile(r"[^\s+\x00-\x1f\x7f\ud800-\udfff]+")


class CheckpointError(CountersignError, ValueError):
    """Base of what can be wrong with a checkpoint or its key."""


class MalformedCheckpoint(CheckpointError):
    """Not a signed note, or its text is not a checkpoint."""


class BadVerifierKey(CheckpointError):
    """Not `name+hexkeyid+base64`, or its parts disagree."""


class UnknownSigner(CheckpointError):
    """Well formed, but this key did not sign it, or it speaks for another log."""


class BadSignature(CheckpointError):
    """Claims this key's signature, and the signature is false."""


class Checkpoint(msgspec.Struct, frozen=True):
    """A tree head somebody vouched for: `root` is that of the first `size` events."""

    origin: str
    size: int
    root: bytes


class Verifier(msgspec.Struct, frozen=True):
    """A verifier key string, read."""

    name: str
    key_id: bytes
    public_key: bytes


def verifier_key(name: str, public_key: Ed25519PublicKey) -> str:
    """The public half as auditors keep it: `name+hexkeyid+base64(0x01 || key)`."""
    _check_name(name)
    raw = public_key.public_bytes_raw()
    return f"{name}+{_key_id(name, raw).hex()}+{_b64(_ALGORITHM_ED25519 + raw)}"


def parse_verifier_key(text: str) -> Verifier:
    """Raises BadVerifierKey. The key id must be the one its own name and key give."""
    parts = text.strip().split("+", 2)
    if len(parts) != 3 or not _NAME.fullmatch(parts[0]):
        raise BadVerifierKey("verifier key: expected name+hexkeyid+base64")
    name, key_id, encoded = parts
    material = _unb64(encoded)
    if material is None or len(material) != 1 + _PUBLIC_KEY_BYTES or material[:1] != _ALGORITHM_ED25519:
        raise BadVerifierKey("verifier key: the last part is not the base64 of an Ed25519 key")
    expected = _key_id(name, material[1:])
    if key_id != expected.hex():
        raise BadVerifierKey(f"verifier key: key id {key_id!r} does not belong to this name and key")
    return Verifier(name, expected, material[1:])


def sign_checkpoint(origin: str, size: int, root: bytes, private_key: Ed25519PrivateKey) -> str:
    """The signed note, with the origin as key name. Raises CheckpointError on what no log can have."""
    if not 0 <= size <= MAX_SIZE:
        raise CheckpointError(f"size: {size} is not between 0 and {MAX_SIZE}")
    if len(root) != HASH_SIZE:
        raise CheckpointError(f"root: {HASH_SIZE} bytes expected, got {len(root)}")
    return sign_note(f"{origin}\n{size}\n{_b64(root)}\n", origin, private_key)


def parse_and_verify(text: str, verifier: str) -> Checkpoint:
    """Raises CheckpointError unless this key signed the text and the text is a checkpoint of that key's log.

    `verifier` is a verifier key string. Signatures of others (witnesses) are passed over.
    """
    key = parse_verifier_key(verifier)
    lines = open_note(text, key).removesuffix("\n").split("\n")
    if len(lines) < 3 or not all(lines):
        raise MalformedCheckpoint("checkpoint: the lines origin, size and root expected, none empty")
    # Lines after the third are extensions: signed, and without a meaning here.
    origin, size, root = lines[:3]
    decoded = _unb64(root)
    if not _DECIMAL.fullmatch(size) or int(size) > MAX_SIZE:
        raise MalformedCheckpoint("checkpoint: the second line is not a tree size")
    if decoded is None or len(decoded) != HASH_SIZE:
        raise MalformedCheckpoint("checkpoint: the third line is not a root hash")
    if origin != key.name:
        raise UnknownSigner(f"checkpoint: it is of the log {origin!r}, not of {key.name!r}")
    return Checkpoint(origin, int(size), decoded)


def sign_note(text: str, name: str, private_key: Ed25519PrivateKey) -> str:
    """`text` and one signature line. Raises CheckpointError on a text no verifier would open."""
    _check_name(name)
    if not text.endswith("\n") or "\n\n" in text or text.startswith("\n") or _CONTROL.search(text):
        raise CheckpointError("note: lines of printable text, none empty, the last one ended, expected")
    blob = _key_id(name, private_key.public_key().public_bytes_raw()) + private_key.sign(text.encode())
    return f"{text}\n{_SIGNATURE_PREFIX}{name} {_b64(blob)}\n"


def open_note(note: str, key: Verifier) -> str:
    """The signed text with its last newline. Raises MalformedCheckpoint, UnknownSigner or BadSignature."""
    if len(note) > MAX_NOTE_CHARS or _CONTROL.search(note):
        raise MalformedCheckpoint("note: too long, or it holds control characters")
    body, separator, block = note.rpartition("\n\n")
    if not separator or not block.endswith("\n"):
        raise MalformedCheckpoint("note: no blank line before the signatures, or the last line is cut off")
    text = body + "\n"
    lines = block[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise MalformedCheckpoint(f"note: more than {MAX_SIGNATURES} signatures")
    signatures = [s for name, key_id, s in map(_signature, lines) if (name, key_id) == (key.name, key.key_id)]
    if not signatures:
        raise UnknownSigner(f"note: not signed by {key.name}+{key.key_id.hex()}")
    try:
        message = text.encode()
        Ed25519PublicKey.from_public_bytes(key.public_key).verify(signatures[0], message)
    except (InvalidSignature, UnicodeEncodeError):
        raise BadSignature(f"note: the signature of {key.name} does not fit the text") from None
    return text


def _signature(line: str) -> tuple[str, bytes, bytes]:
    name, separator, encoded = line.removeprefix(_SIGNATURE_PREFIX).partition(" ")
    blob = _unb64(encoded)
    if not line.startswith(_SIGNATURE_PREFIX) or not separator or not _NAME.fullmatch(name):
        raise MalformedCheckpoint("note: a line after the blank one is not a signature")
    if blob is None or len(blob) <= _KEY_ID_BYTES:
        raise MalformedCheckpoint(f"note: the signature of {name} is not base64 of a key id and a signature")
    return name, blob[:_KEY_ID_BYTES], blob[_KEY_ID_BYTES:]


def _key_id(name: str, public_key: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + _ALGORITHM_ED25519 + public_key).digest()[:_KEY_ID_BYTES]


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise CheckpointError("origin: a name without spaces, plus signs and control characters expected")


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _unb64(text: str) -> bytes | None:
    """None for anything but the one canonical encoding, so that nobody can vary a signed note's bytes."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if _b64(data) == text else None
