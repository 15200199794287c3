"""The audit log as a Merkle log: what an event hashes to, checking a whole log, proving one case offline.

AuditError
├── BadEvent    event columns that cannot be hashed; the message names the column
└── NotProvable the log, the checkpoint and the case do not fit together
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec

from app.core.checkpoint import Checkpoint, CheckpointError, parse_and_verify
from app.core.errors import CountersignError
from app.core.merkle import Frontier, inclusion_proofs, leaf_hash, verify_inclusion

MAX_BUNDLE_BYTES = 64 << 20
# How far from its place a moved event is looked for, so that a report can say more than "altered".
_SEARCH = 1000
_AT = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\Z"

# For a flat object of strings and safe integers under ASCII names this is RFC 8785, 35 times faster than a
# general canonicaliser; the tests compare the two.
_CANONICAL = msgspec.json.Encoder(order="sorted")
_MAX_SAFE_INTEGER = (1 << 53) - 1

_Name = Annotated[str, msgspec.Meta(min_length=1)]


class AuditError(CountersignError, ValueError):
    """Base of what can go wrong with the log."""


class BadEvent(AuditError):
    """Event columns that cannot be hashed; the message names the column."""


class NotProvable(AuditError):
    """The log, the checkpoint and the case do not fit together."""


class EventColumns(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every column that is hashed. `seq` counts from 1 without gaps: the event is leaf `seq - 1`.

    `at` is UTC as `event_time` writes it, `payload` the stored JSON text to the byte. A column added later
    must be nullable with None as default: null columns are left out of the hash, so older events keep theirs.
    """

    seq: Annotated[int, msgspec.Meta(ge=1, le=_MAX_SAFE_INTEGER)]
    event_id: _Name
    case_id: _Name | None
    type: _Name
    at: Annotated[str, msgspec.Meta(pattern=_AT)]
    actor: _Name
    payload: str


class StoredEvent(EventColumns, frozen=True, kw_only=True):
    """A row of the log: its columns and the 32-byte leaf hash written with them."""

    leaf_hash: bytes


EVENT_COLUMNS: tuple[str, ...] = EventColumns.__struct_fields__

FaultKind = Literal["altered", "missing", "reordered", "inserted", "rewritten"]


class Fault(msgspec.Struct, frozen=True):
    """The first thing wrong, between two sequence numbers (both included)."""

    kind: FaultKind
    first: int
    last: int
    sentence: str


class AuditReport(msgspec.Struct, frozen=True, kw_only=True):
    """`events` were read and found good, `anchored` of them are covered by a checkpoint that fits.

    `kind`, `first_bad_seq` and `last_bad_seq` are None when `ok`; `rewritten` means hashes were changed along
    with the events, so only the range between two checkpoints is known. `root` is the hex root over `events`.
    """

    ok: bool
    events: int
    checkpoints_ok: int
    anchored: int
    root: str
    problem: str = ""
    kind: FaultKind | None = None
    first_bad_seq: int | None = None
    last_bad_seq: int | None = None


def event_time(at: datetime) -> str:
    """UTC with microseconds and `Z`, the only form an event takes. Raises BadEvent for a naive time."""
    if at.tzinfo is None:
        raise BadEvent("at: a time with a zone expected")
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def canonical_event_bytes(columns: Mapping[str, str | int | None]) -> bytes:
    """RFC 8785 JSON of one event, null columns left out. Takes exactly `EVENT_COLUMNS`; raises BadEvent."""
    given = dict(columns)
    try:
        msgspec.convert(given, EventColumns)
        datetime.fromisoformat(str(given["at"]))
        return _CANONICAL.encode({name: value for name, value in given.items() if value is not None})
    except (msgspec.ValidationError, ValueError) as error:
        raise BadEvent(f"event columns: {error}") from None


def event_leaf(columns: Mapping[str, str | int | None]) -> bytes:
    """The leaf hash to store beside the event and to append to the frontier."""
    return leaf_hash(canonical_event_bytes(columns))


def columns_of(event: EventColumns) -> dict[str, str | int | None]:
    """The hashed columns of a row, without its leaf hash."""
    return {name: getattr(event, name) for name in EVENT_COLUMNS}


def verify_log(rows: Iterable[StoredEvent], checkpoints: Iterable[Checkpoint]) -> AuditReport:
    """Reads the log once, in the order given, and stops at the first event that is not as it was recorded.

    Checkpoints come verified (`parse_and_verify`) and read no later than the rows; their order is free.
    With none, nothing vouches for the log as a whole, and only `anchored == 0` tells so.
    """
    heads: defaultdict[int, list[Checkpoint]] = defaultdict(list)
    for head in checkpoints:
        heads[head.size].append(head)
    frontier, anchored, good = Frontier(), 0, 0
    stream = iter(rows)
    row = next(stream, None)
    while True:
        here = heads.pop(frontier.size, [])
        if any(head.root != frontier.root() for head in here):
            return _report(frontier, anchored, good, _rewritten(anchored, frontier.size))
        if here:
            anchored, good = frontier.size, good + len(here)
        if row is None:
            break
        following = next(stream, None)
        fault = _row_fault(row, following, frontier.size + 1)
        if fault:
            return _report(frontier, anchored, good, fault)
        frontier, row = frontier.append(row.leaf_hash), following
    if heads:
        first, last = frontier.size + 1, max(heads)
        cut = f", cut off the end: a checkpoint signed {last} events"
        return _report(frontier, anchored, good, _missing(first, last, cut))
    return _report(frontier, anchored, good, None)


def _report(frontier: Frontier, anchored: int, good: int, fault: Fault | None) -> AuditReport:
    return AuditReport(
        ok=fault is None,
        events=frontier.size,
        checkpoints_ok=good,
        anchored=anchored,
        root=frontier.root().hex(),
        problem=fault.sentence if fault else "",
        kind=fault.kind if fault else None,
        first_bad_seq=fault.first if fault else None,
        last_bad_seq=fault.last if fault else None,
    )


def _rewritten(anchored: int, size: int) -> Fault:
    since = f"since the checkpoint at {anchored}" if anchored else "since the beginning"
    sentence = (
        f"The log does not match the checkpoint signed at {size}: something {since} was changed together "
        "with its stored hash, or the checkpoint belongs to another history."
    )
    return Fault("rewritten", min(anchored + 1, size), size, sentence)


def _row_fault(row: StoredEvent, following: StoredEvent | None, expected: int) -> Fault | None:
    if not isinstance(row.seq, int):
        sentence = f"Event {expected} was altered: its number is no whole number."
        return Fault("altered", expected, expected, sentence)
    if row.seq > expected:
        if following is not None and following.seq == expected:
            sentence = f"Events were reordered: event {row.seq} stands before event {expected}."
            return Fault("reordered", expected, row.seq, sentence)
        return _missing(expected, row.seq - 1)
    if row.seq < expected:
        sentence = f"An event was inserted: number {row.seq} stands where event {expected} should."
        return Fault("inserted", row.seq, row.seq, sentence)
    try:
        if event_leaf(columns_of(row)) == row.leaf_hash:
            return None
    except BadEvent as error:
        return Fault("altered", expected, expected, f"Event {expected} was altered: {error}.")
    recorded = _recorded_as(row)
    if recorded is None:
        named = f"Event {expected} (id {row.event_id[:60]!r})"
        sentence = f"{named} was altered: it does not match its stored hash."
        return Fault("altered", expected, expected, sentence)
    if recorded < expected:
        span = _span(recorded, expected - 1)
        sentence = f"Inserted: {span}; what is now event {expected} was recorded as number {recorded}."
        return Fault("inserted", recorded, expected - 1, sentence)
    if following is None or _recorded_as(following) == recorded + 1:
        return _missing(expected, recorded - 1, "; later ones were renumbered")
    sentence = f"Events were reordered: event {expected} was recorded as number {recorded}."
    return Fault("reordered", expected, recorded, sentence)


def _missing(first: int, last: int, aside: str = "") -> Fault:
    return Fault("missing", first, last, f"Missing: {_span(first, last)}{aside}.")


def _span(first: int, last: int) -> str:
    return f"event {first}" if first == last else f"events {first} to {last}"


def _recorded_as(row: StoredEvent) -> int | None:
    """The number under which this content gives this hash, if it is near: the row was moved, not altered."""
    if not isinstance(row.seq, int):
        return None
    try:
        columns = columns_of(row)
        for seq in range(max(1, row.seq - _SEARCH), row.seq + _SEARCH + 1):
            if event_leaf({**columns, "seq": seq}) == row.leaf_hash:
                return seq
    except BadEvent:
        return None
    return None


class ProvenEvent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One event and its way to the root. `event` is canonical JSON as text; its UTF-8 bytes are hashed."""

    seq: int
    event: str
    proof: tuple[str, ...]


class CaseProof(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an auditor takes away: a case's events, their proofs, and the signed checkpoint they lead to.

    To check it by other means: for each event take SHA-256 of a zero byte and the event's UTF-8 text, climb
    by RFC 9162 section 2.1.3.2 from leaf `seq - 1`, compare with the checkpoint's root, and verify the
    checkpoint's signature. It proves that these events stand in the log, not that the case has no others.
    """

    format: Literal["countersign-case-proof/1"] = "countersign-case-proof/1"
    case_id: str
    checkpoint: str
    events: tuple[ProvenEvent, ...]


class CaseProofReport(msgspec.Struct, frozen=True, kw_only=True):
    """`problem` is empty when `ok`. `types` are the proven events', in order; `size` is the checkpoint's."""

    ok: bool
    problem: str = ""
    first_bad_seq: int | None = None
    case_id: str = ""
    events: int = 0
    types: tuple[str, ...] = ()
    origin: str = ""
    size: int = 0


def prove_case(
    case_id: str, events: Iterable[StoredEvent], leaves: Sequence[bytes], checkpoint: str, verifier_key: str
) -> CaseProof:
    """`leaves`: the leaf hashes of the log from event 1 on, at least as far as the checkpoint reaches.

    Raises CheckpointError, or NotProvable when the case has no events, when one is not under the checkpoint
    yet, or when the log no longer matches it: a bundle that comes back verifies.
    """
    head = parse_and_verify(checkpoint, verifier_key)
    rows = sorted(events, key=lambda row: row.seq)
    if not rows:
        raise NotProvable(f"case_id: {case_id} has no events")
    if rows[-1].seq > head.size:
        raise NotProvable(f"checkpoint: it ends at event {head.size}, the case at {rows[-1].seq}; sign a newer one")
    if head.size > len(leaves):
        raise NotProvable(f"leaves: the checkpoint signed {head.size}, the log has {len(leaves)}")
    proofs = inclusion_proofs(leaves, {row.seq - 1 for row in rows}, head.size)
    bundle = CaseProof(
        case_id=case_id,
        checkpoint=checkpoint,
        events=tuple(
            ProvenEvent(
                seq=row.seq,
                event=canonical_event_bytes(columns_of(row)).decode(),
                proof=tuple(step.hex() for step in proofs[row.seq - 1]),
            )
            for row in rows
        ),
    )
    report = _check_bundle(bundle, head)
    if not report.ok:
        raise NotProvable(report.problem)
    return bundle


def encode_case_proof(proof: CaseProof) -> bytes:
    """The bundle as JSON, indented: people open these."""
    return msgspec.json.format(msgspec.json.encode(proof), indent=1) + b"\n"


def verify_case_proof(bundle_json: bytes, verifier_key: str) -> CaseProofReport:
    """Needs nothing but the bundle and the log's public key, and never raises on a bad bundle or key."""
    if len(bundle_json) > MAX_BUNDLE_BYTES:
        return CaseProofReport(ok=False, problem=f"The bundle is larger than {MAX_BUNDLE_BYTES} bytes.")
    try:
        bundle = msgspec.json.decode(bundle_json, type=CaseProof)
        head = parse_and_verify(bundle.checkpoint, verifier_key)
    except CheckpointError as error:
        return CaseProofReport(ok=False, problem=f"The checkpoint does not hold: {error}.")
    except (msgspec.MsgspecError, ValueError) as error:
        return CaseProofReport(ok=False, problem=f"This is not a case proof: {error}.")
    return _check_bundle(bundle, head)


def _check_bundle(bundle: CaseProof, head: Checkpoint) -> CaseProofReport:
    if not bundle.events:
        return CaseProofReport(ok=False, problem="The bundle holds no events, so it proves nothing.")
    types: list[str] = []
    previous = 0
    for item in bundle.events:
        found = _proven(item, bundle.case_id, head) if item.seq > previous else "it stands out of order"
        if isinstance(found, str):
            sentence = f"Event {item.seq} is not proven: {found}."
            return CaseProofReport(ok=False, problem=sentence, first_bad_seq=item.seq, case_id=bundle.case_id)
        types.append(found.type)
        previous = item.seq
    return CaseProofReport(
        ok=True,
        case_id=bundle.case_id,
        events=len(types),
        types=tuple(types),
        origin=head.origin,
        size=head.size,
    )


def _proven(item: ProvenEvent, case_id: str, head: Checkpoint) -> EventColumns | str:
    """The event, or what is wrong with it."""
    try:
        data = item.event.encode()
        proof = [bytes.fromhex(step) for step in item.proof]
        fields = msgspec.json.decode(data, type=dict[str, str | int | None])
        event = msgspec.convert({"case_id": None, **fields}, EventColumns)
        canonical = canonical_event_bytes(columns_of(event))
    except (TypeError, ValueError, msgspec.MsgspecError) as error:
        return f"unreadable: {error}"
    if not verify_inclusion(leaf_hash(data), item.seq - 1, head.size, proof, head.root):
        return "it does not lead to the checkpoint's root"
    if canonical != data or event.seq != item.seq:
        return "its text is not in canonical form or carries another number"
    if event.case_id != case_id:
        return f"it belongs to case {event.case_id}"
    return event
