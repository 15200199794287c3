import json
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.audit import (
    EVENT_COLUMNS,
    BadEvent,
    CaseProof,
    NotProvable,
    ProvenEvent,
    StoredEvent,
    canonical_event_bytes,
    columns_of,
    encode_case_proof,
    event_leaf,
    event_time,
    prove_case,
    verify_case_proof,
    verify_log,
)
from app.core.checkpoint import Checkpoint, sign_checkpoint, verifier_key
from app.core.merkle import Frontier, leaf_hash, root_of

ORIGIN = "countersign.example/audit"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
VERIFIER = verifier_key(ORIGIN, KEY.public_key())
COLUMNS = {
    "seq": 7,
    "event_id": "evt_7",
    "case_id": "case_1",
    "type": "Approved",
    "at": "2026-03-01T12:00:00.000007Z",
    "actor": "U7",
    "payload": '{"note": "grüße 👋"}',
}


def an_event(**changes):
    """A row whose leaf hash fits its columns, as somebody with the code and the database could write it."""
    columns = {**COLUMNS, **changes}
    return StoredEvent(**columns, leaf_hash=event_leaf(columns))


def a_log(count=12):
    return [
        an_event(
            seq=seq,
            event_id=f"evt_{seq}",
            case_id=None if seq == 5 else f"case_{seq % 3}",
            at=event_time(datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=seq)),
        )
        for seq in range(1, count + 1)
    ]


def heads(rows, *sizes):
    return [Checkpoint(ORIGIN, size, root_of([row.leaf_hash for row in rows[:size]])) for size in sizes]


def changed(row, **changes):
    """The row with other columns but the leaf hash it had."""
    return msgspec.structs.replace(row, **changes)


def rehashed(rows, seq, **changes):
    """Rewrites a row together with its own leaf hash."""
    row = changed(rows[seq - 1], **changes)
    return changed(row, leaf_hash=event_leaf(columns_of(row)))


def renumbered(rows):
    return [changed(row, seq=seq) for seq, row in enumerate(rows, 1)]


def verdict(rows, checkpoints=None):
    report = verify_log(iter(rows), heads(a_log(), 4, 9, 12) if checkpoints is None else checkpoints)
    assert report.ok == (report.kind is None) == (report.problem == "")
    return report.kind, report.first_bad_seq, report.last_bad_seq


def test_an_untouched_log_verifies_up_to_its_last_checkpoint():
    rows = a_log()
    report = verify_log(rows, heads(rows, 9, 0, 4))
    assert (report.ok, report.events, report.checkpoints_ok, report.anchored) == (True, 12, 3, 9)
    assert report.root == root_of([row.leaf_hash for row in rows]).hex()
    assert verify_log([], []).ok


@pytest.mark.parametrize(
    "changes",
    [
        {"event_id": "evt_x"},
        {"case_id": "case_x"},
        {"case_id": None},
        {"type": "Rejected"},
        {"at": "2026-03-01T00:06:00.000001Z"},
        {"actor": "U8"},
        {"payload": '{"note":"grüße 👋"}'},
        {"leaf_hash": leaf_hash(b"")},
        {"leaf_hash": b""},
        {"at": "yesterday"},
        {"payload": "\ud800"},
        {"actor": None},
        {"payload": 7},
        {"seq": "6"},
    ],
)
def test_an_altered_column_names_its_event(changes):
    rows = a_log()
    rows[5] = changed(rows[5], **changes)
    assert verdict(rows) == ("altered", 6, 6)


def test_every_column_is_covered():
    assert set(EVENT_COLUMNS) == set(StoredEvent.__struct_fields__) - {"leaf_hash"} == set(COLUMNS)


def test_the_first_of_several_faults_is_named():
    rows = a_log()
    rows[7] = changed(rows[7], actor="U8")
    rows[2] = changed(rows[2], actor="U8")
    assert verdict(rows) == ("altered", 3, 3)


@pytest.mark.parametrize(("gone", "first", "last"), [({1}, 1, 1), ({6}, 6, 6), ({6, 7, 8}, 6, 8), ({11}, 11, 11)])
def test_missing_events_are_named(gone, first, last):
    rows = [row for row in a_log() if row.seq not in gone]
    assert verdict(rows) == ("missing", first, last)
    assert verdict(renumbered(rows)) == ("missing", first, last)


def test_a_cut_tail_shows_against_the_last_checkpoint():
    assert verdict(a_log()[:10]) == ("missing", 11, 12)
    assert verdict([]) == ("missing", 1, 12)
    report = verify_log(a_log()[:10], heads(a_log(), 9, 12))
    assert report.problem == "Missing: events 11 to 12, cut off the end: a checkpoint signed 12 events."
    assert (report.events, report.anchored) == (10, 9)


def test_events_that_stand_out_of_order_are_named():
    rows = a_log()
    rows[5], rows[6] = rows[6], rows[5]
    assert verdict(rows) == ("reordered", 6, 7)


@pytest.mark.parametrize(("one", "two"), [(6, 7), (3, 10), (1, 12)])
def test_events_whose_numbers_were_exchanged_are_named(one, two):
    rows = a_log()
    rows[one - 1], rows[two - 1] = rows[two - 1], rows[one - 1]
    assert verdict(renumbered(rows)) == ("reordered", one, two)


def test_a_row_after_the_first_fault_may_be_anything():
    rows = renumbered([row for row in a_log() if row.seq != 6])
    rows[6] = changed(rows[6], seq="7")
    assert verdict(rows) == ("reordered", 6, 7)


def test_exchanged_contents_under_the_old_hashes_are_altered():
    rows = a_log()
    rows[2] = changed(rows[2], actor=rows[8].actor, event_id=rows[8].event_id)
    assert verdict(rows) == ("altered", 3, 3)


def test_an_event_with_a_number_already_taken_was_inserted():
    rows = a_log()
    rows.insert(6, an_event(seq=6, event_id="evt_x"))
    assert verdict(rows) == ("inserted", 6, 6)
    rows = [an_event(seq=1, event_id="evt_x"), *a_log()]
    assert verdict([changed(rows[0], seq=0), *rows[1:]]) == ("inserted", 0, 0)


@pytest.mark.parametrize("extra", [1, 3])
def test_events_inserted_with_the_rest_renumbered_are_named(extra):
    rows = a_log()
    rows[5:5] = [an_event(seq=6 + n, event_id=f"evt_x{n}") for n in range(extra)]
    assert verdict(renumbered(rows)) == ("inserted", 6, 5 + extra)


def test_an_insertion_that_spoils_a_checkpoint_is_found_there():
    rows = a_log()
    rows[8:8] = [an_event(seq=9, event_id="evt_x")]
    assert verdict(renumbered(rows)) == ("rewritten", 5, 9)


def test_an_alteration_with_its_hash_rewritten_is_caught_by_the_next_checkpoint():
    rows = a_log()
    rows[5] = rehashed(rows, 6, actor="U8")
    report = verify_log(rows, heads(a_log(), 4, 9, 12))
    assert (report.kind, report.first_bad_seq, report.last_bad_seq) == ("rewritten", 5, 9)
    assert (report.checkpoints_ok, report.anchored) == (1, 4)
    assert "checkpoint at 4" in report.problem
    assert "signed at 9" in report.problem
    assert verdict(rows, heads(a_log(), 12)) == ("rewritten", 1, 12)


def test_a_whole_rewritten_log_does_not_match_a_published_checkpoint():
    rows = [rehashed(a_log(), seq, actor="U8") for seq in range(1, 13)]
    assert verdict(rows, heads(rows, 4, 9)) == (None, None, None)
    assert verdict(rows) == ("rewritten", 1, 4)


def test_two_checkpoints_of_one_size_cannot_both_hold():
    rows = a_log()
    split = [*heads(rows, 4, 9), Checkpoint(ORIGIN, 9, leaf_hash(b"another history"))]
    assert verdict(rows, split) == ("rewritten", 5, 9)


def test_the_leaf_covers_canonical_json_without_null_columns():
    expected = (
        '{"actor":"U7","at":"2026-03-01T12:00:00.000007Z","case_id":"case_1","event_id":"evt_7",'
        '"payload":"{\\"note\\": \\"grüße 👋\\"}","seq":7,"type":"Approved"}'
    )
    assert canonical_event_bytes(COLUMNS) == expected.encode()
    assert event_leaf(COLUMNS) == leaf_hash(expected.encode())
    no_case = canonical_event_bytes({**COLUMNS, "case_id": None})
    assert no_case == expected.replace('"case_id":"case_1",', "").encode()


@pytest.mark.parametrize(
    ("named", "changes"),
    [
        ("seq", {"seq": 0}),
        ("seq", {"seq": True}),
        ("seq", {"seq": None}),
        ("event_id", {"event_id": ""}),
        ("case_id", {"case_id": ""}),
        ("type", {"type": None}),
        ("at", {"at": "2026-03-01T12:00:00Z"}),
        ("at", {"at": "2026-03-01T12:00:00.000000+00:00"}),
        ("at", {"at": "2026-03-01T12:00:00.000000Z\n"}),
        ("month", {"at": "2026-13-01T12:00:00.000000Z"}),
        ("actor", {"actor": 7}),
        ("payload", {"payload": {"note": "not text"}}),
        ("leaf_hash", {"leaf_hash": "00"}),
        ("utf-8", {"payload": "\ud800"}),
        ("seq", {"seq": 1 << 53}),
    ],
)
def test_columns_that_are_not_an_event_are_refused(named, changes):
    with pytest.raises(BadEvent, match=named):
        canonical_event_bytes({**COLUMNS, **changes})


def test_every_character_is_written_as_rfc_8785_has_it():
    everything = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))
    columns = {**COLUMNS, "payload": everything, "seq": (1 << 53) - 1}
    assert canonical_event_bytes(columns) == rfc8785.dumps(columns)


def test_a_column_left_out_is_refused():
    with pytest.raises(BadEvent, match="payload"):
        canonical_event_bytes({name: value for name, value in COLUMNS.items() if name != "payload"})


def test_event_time_is_utc_to_the_microsecond():
    east = timezone(timedelta(hours=2))
    assert event_time(datetime(2026, 3, 1, 14, tzinfo=east)) == "2026-03-01T12:00:00.000000Z"
    with pytest.raises(BadEvent, match="zone"):
        event_time(datetime(2026, 3, 1))


def a_bundle(case_id="case_1", size=12, rows=None):
    rows = rows or a_log()
    leaves = [row.leaf_hash for row in rows]
    checkpoint = sign_checkpoint(ORIGIN, size, root_of(a_leaves()[:size]), KEY)
    events = [row for row in rows if row.case_id == case_id]
    return prove_case(case_id, events, leaves, checkpoint, VERIFIER)


def a_leaves():
    return [row.leaf_hash for row in a_log()]


def tampered(change, at=1):
    document = json.loads(encode_case_proof(a_bundle()))
    change(document, document["events"][at])
    return verify_case_proof(json.dumps(document).encode(), VERIFIER)


def test_a_case_proof_verifies_from_its_bytes_and_the_public_key_alone():
    report = verify_case_proof(encode_case_proof(a_bundle()), VERIFIER)
    assert (report.ok, report.problem, report.case_id) == (True, "", "case_1")
    assert (report.events, report.types) == (4, ("Approved",) * 4)
    assert (report.origin, report.size) == (ORIGIN, 12)


@pytest.mark.parametrize(
    "change",
    [
        lambda bundle, item: item.update(event=item["event"].replace("U7", "U8")),
        lambda bundle, item: item.update(event=" " + item["event"]),
        lambda bundle, item: item.update(event=item["event"][:-1]),
        lambda bundle, item: item.update(event="[]"),
        lambda bundle, item: item.update(event='{"seq":' + "[" * 5000),
        lambda bundle, item: item.update(event='{"seq":' + "9" * 5000 + "}"),
        lambda bundle, item: item.update(seq=item["seq"] + 1),
        lambda bundle, item: item.update(seq=10**30),
        lambda bundle, item: item.update(seq=-4),
        lambda bundle, item: item.update(proof=item["proof"][:-1]),
        lambda bundle, item: item.update(proof=[*item["proof"], "00" * 32]),
        lambda bundle, item: item.update(proof=["zz", *item["proof"][1:]]),
        lambda bundle, item: item.update(proof=bundle["events"][0]["proof"]),
    ],
)
def test_a_tampered_event_is_not_proven(change):
    report = tampered(change)
    assert not report.ok
    assert report.problem.startswith("Event ")
    assert report.first_bad_seq is not None


def test_events_twice_or_out_of_order_are_not_proven():
    assert "out of order" in tampered(lambda bundle, _: bundle["events"].reverse()).problem
    assert "out of order" in tampered(lambda bundle, item: bundle["events"].insert(1, item)).problem


def test_a_bundle_under_another_cases_name_is_not_proven():
    report = tampered(lambda bundle, _: bundle.update(case_id="case_2"))
    assert (report.ok, report.first_bad_seq) == (False, 1)
    assert "belongs to case case_1" in report.problem


@pytest.mark.parametrize(
    "text",
    [
        canonical_event_bytes({**COLUMNS, "seq": 1}).decode()[:-1] + ',"type":"Rejected"}',
        canonical_event_bytes({**COLUMNS, "seq": 2}).decode(),
    ],
)
def test_an_ambiguous_event_is_not_proven_even_if_it_was_signed(text):
    leaf = leaf_hash(text.encode())
    checkpoint = sign_checkpoint(ORIGIN, 1, leaf, KEY)
    item = ProvenEvent(seq=1, event=text, proof=())
    bundle = encode_case_proof(CaseProof(case_id="case_1", checkpoint=checkpoint, events=(item,)))
    assert "canonical" in verify_case_proof(bundle, VERIFIER).problem


def test_a_bundle_without_events_proves_nothing():
    assert "no events" in tampered(lambda bundle, _: bundle.update(events=[])).problem


def test_a_checkpoint_of_another_key_or_size_does_not_hold():
    bundle = encode_case_proof(a_bundle())
    stranger = verifier_key(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key())
    assert "checkpoint does not hold" in verify_case_proof(bundle, stranger).problem
    assert "verifier key" in verify_case_proof(bundle, "nonsense").problem
    resized = tampered(lambda b, _: b.update(checkpoint=b["checkpoint"].replace("\n12\n", "\n13\n")))
    assert "checkpoint does not hold" in resized.problem


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b"\xff", b'{"format":"other"}', b"[" * 100_000])
def test_what_is_no_bundle_says_so(data):
    report = verify_case_proof(data, VERIFIER)
    assert not report.ok
    assert report.problem.startswith("This is not a case proof")


def test_every_case_and_every_checkpoint_size_can_be_proven():
    for size in range(10, 13):
        rows = a_log()[:size]
        for case_id in ("case_0", "case_1", "case_2"):
            bundle = a_bundle(case_id, size, rows)
            assert verify_case_proof(encode_case_proof(bundle), VERIFIER).ok


def test_a_case_is_not_proven_before_a_checkpoint_covers_it():
    with pytest.raises(NotProvable, match="sign a newer one"):
        a_bundle(size=9)
    with pytest.raises(NotProvable, match="no events"):
        a_bundle("case_unknown")


def test_no_bundle_is_made_from_an_altered_log():
    rows = a_log()
    rows[6] = rehashed(rows, 7, actor="U8")
    with pytest.raises(NotProvable, match="does not lead"):
        a_bundle(rows=rows)
    with pytest.raises(NotProvable, match="the log has 11"):
        a_bundle("case_2", rows=a_log()[:11])


def test_the_engines_running_frontier_reaches_the_verified_root():
    frontier = Frontier()
    for row in a_log():
        frontier = frontier.append(event_leaf(columns_of(row)))
    assert verify_log(a_log(), []).root == frontier.root().hex()
