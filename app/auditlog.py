"""Checkpoints of the audit log and its verification: what an auditor needs, over the store (AU2)."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.clock import Clock, SystemClock
from app.core.audit import AuditReport, NotProvable, encode_case_proof, verify_log
from app.core.audit import prove_case as prove_events
from app.core.checkpoint import Checkpoint, parse_and_verify, sign_checkpoint, verifier_key
from app.core.errors import CountersignError
from db.store import Store

log = logging.getLogger("countersign.audit")

ORIGIN = "countersign/audit"


class SigningKeyProblem(CountersignError):
    """The checkpoint key cannot be read; the sentence says which file and what to do."""


def load_signing_key(path: Path) -> Ed25519PrivateKey:
    """The key in `path` (32 bytes as hex), made now, mode 600, when there is none."""
    if not path.exists():
        key = Ed25519PrivateKey.generate()
        raw = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(raw.hex() + "\n")
        log.info("made a new checkpoint key: %s; keep a copy away from the database", path)
        return key
    return parse_signing_key(path.read_text(), str(path))


def parse_signing_key(text: str, where: str) -> Ed25519PrivateKey:
    try:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(text.strip()))
    except ValueError:
        raise SigningKeyProblem(f"{where} does not hold a checkpoint key (64 hex digits).") from None


class Checkpointer:
    """Signs the log's root whenever it grew since the last checkpoint."""

    def __init__(self, store: Store, key: Ed25519PrivateKey, clock: Clock) -> None:
        self._store = store
        self._key = key
        self._clock = clock

    def sign(self) -> bool:
        with self._store.writing() as uow:
            frontier = uow.frontier()
            last = uow.checkpoints(1)
            if frontier.size == 0 or (last and last[0].size == frontier.size):
                return False
            root = frontier.root()
            text = sign_checkpoint(ORIGIN, frontier.size, root, self._key)
            uow.add_checkpoint(text, frontier.size, root, self._clock.now())
            return True


def verify(store: Store, key: Ed25519PrivateKey) -> AuditReport:
    """Every event against its hash, every checkpoint against the tree, the tree against the stored frontier."""
    vkey = verifier(key)
    with store.reading() as reader:
        checkpoints: list[Checkpoint] = [parse_and_verify(c.text, vkey) for c in reader.checkpoints()]
        report = verify_log(reader.all_events(), checkpoints)
        frontier = reader.frontier()
    if report.ok and (report.events != frontier.size or report.root != frontier.root().hex()):
        raise CountersignError(
            f"The log holds {report.events} events, but {frontier.size} were appended: its end was cut off or changed."
        )
    return report


def verifier(key: Ed25519PrivateKey) -> str:
    """The public half, as an auditor keeps it."""
    return verifier_key(ORIGIN, key.public_key())


def prove_case(store: Store, key: Ed25519PrivateKey, case_id: str) -> bytes:
    """A bundle of the case's events and their ways to the newest checkpoint. Raises NotProvable."""
    Checkpointer(store, key, SystemClock()).sign()
    with store.reading() as reader:
        newest = reader.checkpoints(1)
        if not newest:
            raise NotProvable("The log is empty.")
        events = reader.events(case_id)
        leaves = reader.leaf_hashes(newest[0].size)
    if not events:
        raise NotProvable(f"The log has no events of case {case_id}.")
    return encode_case_proof(prove_events(case_id, events, leaves, newest[0].text, verifier(key)))
