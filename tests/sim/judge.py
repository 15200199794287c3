"""What must hold once everything has come to rest, seen from the far ends and from what people were told."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from app.auditlog import verify
from app.core.case import FINAL_STATES, OPEN_STATES, Case
from app.core.crmfields import approval_outcome
from app.core.effects import DECISION_EVENTS
from app.core.errors import CountersignError
from app.core.pausing import is_paused
from app.core.who import people_for
from app.engine import Engine
from blocks.digest import digest_message
from blocks.packet import packet_message
from blocks.surface import surroundings_of
from db.log import LoggedEvent
from tests.make import channel_id
from tests.sim.book import Violation
from tests.sim.ledger import Account, Ledger
from tests.sim.people import DECIDING, SETTLING
from tests.sim.replay import check_story
from tests.sim.replica import SIGNING_KEY
from tests.sim.world import World, buttons_of

FALLBACK_CHANNEL = channel_id("support-escalations")
AT_REST = FINAL_STATES | {"failed", "indeterminate"}


def judge(engine: Engine, world: World, ledger: Ledger) -> None:
    """Raises Violation with the first thing that is not as it must be."""
    cases = list(_cases(engine))
    events = _audit_log(engine)
    _tickets(cases)
    _slack_as_a_whole(world, cases)
    _nothing_waits(engine, cases)
    with engine.store.reading() as reader:
        dead = {d.case_id for d in reader.deliveries("dead", limit=500) if d.destination == "crm"}
    for case in cases:
        account = ledger.accounts.get(case.id)
        if account is None:
            raise Violation(f"Case {case.id} is stored, but nobody was ever told of it.")
        ledger.looked(case)  # a draft whose answer was lost may have brought it another ladder
        of_case = [e for e in events if e.case_id == case.id]
        _came_to_rest(case, ledger, account)
        _decisions(case, account, of_case)
        check_story(case, of_case)
        _notes(case, of_case)
        for round_ in rounds(of_case):
            _timers(case, account, round_)
        _whole_ladder(case, account, rounds(of_case)[-1])
        _packets(engine, case, world)
        _order(case, world)
        _crm(case, world, dead)


def _cases(engine: Engine) -> Iterator[Case]:
    with engine.store.reading() as reader:
        cursor: str | None = None
        while True:
            page, cursor = reader.cases(limit=100, cursor=cursor)
            yield from page
            if cursor is None:
                return


def _audit_log(engine: Engine) -> list[LoggedEvent]:
    try:
        report = verify(engine.store, SIGNING_KEY)
    except CountersignError as error:
        raise Violation(f"The audit log does not verify: {error}") from None
    if not report.ok:
        raise Violation(f"The audit log does not verify: {report.problem}")
    with engine.store.reading() as reader:
        return list(reader.all_events())


def _tickets(cases: list[Case]) -> None:
    open_ones = Counter(case.ticket.id for case in cases if case.state in OPEN_STATES)
    for ticket, count in open_ones.items():
        if count > 1:
            raise Violation(f"Ticket {ticket} has {count} open cases.")


def _nothing_waits(engine: Engine, cases: list[Case]) -> None:
    """Behind a reply that failed or is in doubt things wait for a person; nothing else may."""
    for_people = {case.id for case in cases if case.state in ("failed", "indeterminate")}
    with engine.store.reading() as reader:
        for waiting in reader.deliveries("pending", "claimed", limit=500):
            if waiting.case_id not in for_people:
                what = type(waiting.effect).__name__
                raise Violation(f"Delivery {waiting.id} ({what}) never left, though nothing is in its way.")


def _came_to_rest(case: Case, ledger: Ledger, account: Account) -> None:
    """Nothing approved is lost, nothing hangs, and only what was decided went out."""
    replies = len(account.replies)
    if case.policy_snapshot != account.variant.policy.snapshot:
        raise Violation(f"Case {case.id} came in under {account.variant.name} and has another policy now.")
    if case.state not in AT_REST:
        waits = "approved but never sent" if case.verdict else "undecided and never expired"
        raise Violation(f"Case {case.id} is still {case.state} three days after the world healed: {waits}.")
    if case.state == "sent" and not replies and not account.found:
        raise Violation(f"Case {case.id} says sent, but its customer got nothing.")
    if (
        account.released
        and not (account.undone or account.replaced or ledger.may_be_held(account))
        and case.state not in ("sent", "failed", "indeterminate")
    ):
        raise Violation(f"Case {case.id} was approved and its maker told so; it ended {case.state}, with no reply.")
    if replies and case.state in ("expired", "rejected", "failed"):
        raise Violation(f"Case {case.id} ended {case.state}, but its customer has the reply.")
    if replies and case.state == "withdrawn":
        raise Violation(f"Case {case.id} was withdrawn, but its customer has the reply.")


def _decisions(case: Case, account: Account, events: list[LoggedEvent]) -> None:
    made = sum(e.type in DECISION_EVENTS for e in events)
    if not account.accepted <= made <= account.accepted + account.unsure:
        raise Violation(
            f"Case {case.id}: the log has {made} decisions, people were told of {account.accepted}"
            + (f" (and {account.unsure} more got no answer)." if account.unsure else ".")
        )


def rounds(events: list[LoggedEvent]) -> list[list[LoggedEvent]]:
    """A case's history, cut where it was reopened: people are asked anew then, by a ladder of its own."""
    cut: list[list[LoggedEvent]] = [[]]
    for event in events:
        if event.type == "CaseReopened":
            cut.append([])
        cut[-1].append(event)
    return cut


def _timers(case: Case, account: Account, events: list[LoggedEvent]) -> None:
    """Each rung once, and never before its time by a calendar of our own."""
    fired = [e for e in events if e.type == "TimerFired"]
    for key, count in Counter(str(e.content.data["timer"]) for e in fired).items():
        if count > 1:
            raise Violation(f"Case {case.id}: timer {key} fired {count} times.")
    told = Counter(
        (e.type, str(e.content.data["rung"]))
        for e in events
        if e.type in ("Reminded", "Escalated") and "rung" in e.content.data
    )
    for (kind, rung), count in told.items():
        if count > 1:
            raise Violation(f"Case {case.id}: {kind} {count} times for rung {rung}.")
    if case.timers:
        raise Violation(f"Case {case.id} is {case.state} and still has timers.")
    for event in fired:
        kind, _, rung = str(event.content.data["timer"]).partition(":")
        due = datetime.fromisoformat(str(event.content.data["due_at"]))
        at = datetime.fromisoformat(event.at)
        if at < due:
            raise Violation(f"Case {case.id}: timer {kind}:{rung} fired at {at}, but is due at {due}.")
        if kind == "rung" and due not in account.due(rung):
            raise Violation(f"Case {case.id}: rung {rung} was due at {due}, which is not when its ladder says.")


def _whole_ladder(case: Case, account: Account, events: list[LoggedEvent]) -> None:
    """Nothing is left out of a ladder that was climbed to its end."""
    if case.state != "expired":
        return
    fired = {e.content.data["timer"] for e in events if e.type == "TimerFired"}
    held = {"rung:holding"} if case.holding_sent else set()
    opened = case.opened_at or case.created_at
    due = case.deadline or opened + timedelta(seconds=case.assessed.expire_after)
    for step in case.assessed.rungs:
        if account.variant.due(case.assessed, step, opened) < due and f"rung:{step.id}" not in fired | held:
            raise Violation(f"Case {case.id} expired, but its rung {step.id} never fired: a timer was lost.")


def _notes(case: Case, events: list[LoggedEvent]) -> None:
    """What somebody wrote in a thread is noted once, however often Slack delivers it."""
    written = Counter((e.content.click.channel, e.content.click.ts) for e in events if e.type == "NoteAdded")
    for place, count in written.items():
        if count > 1:
            raise Violation(f"Case {case.id}: the note {place[1]} was taken {count} times.")


def _slack_as_a_whole(world: World, cases: list[Case]) -> None:
    """No message stands twice, and every packet belongs to a case that knows it.

    Left out: what nobody can change any more, in an archived channel, and the thread that a deleted packet leaves.
    """
    for marker, count in Counter(m.marker for m in world.messages.values()).items():
        if count > 1:
            raise Violation(f"Slack shows the message of delivery {marker} {count} times.")
    known = {(p.channel_id, p.ts) for case in cases for p in case.packets}
    for place, message in world.messages.items():
        mine = message.metadata.get("event_type") == "countersign_case" and place[0] not in world.losses.archived
        root = (message.channel, message.thread_ts or message.ts)
        if mine and place not in known and root in world.messages:
            raise Violation(f"Slack shows a packet in {place[0]} that no case knows of, so it can never be updated.")


def _shown_buttons(case: Case, world: World) -> set[str]:
    shown = (world.messages.get((p.channel_id, p.ts or "")) for p in case.packets)
    return {b.action_id for message in shown if message for b in buttons_of(message)}


def _packets(engine: Engine, case: Case, world: World) -> None:
    """Every packet ends true (SL2)."""
    paused = is_paused(case, engine.pauses())
    around = surroundings_of(engine.policy_of(case.policy_snapshot), people_for(case, engine.people()), paused=paused)
    for packet in case.packets:
        message = world.messages.get((packet.channel_id, packet.ts or ""))
        if packet.folded:
            _line(engine, case, packet.digest, world)
            continue
        if message is None and packet.ts is None and case.state in ("superseded", "withdrawn"):
            continue  # something else took its place before anybody saw it
        parent = case.packet(packet.parent)
        moved = packet.gone or channel_id(packet.channel) in world.losses.archived or (parent and parent.gone)
        if packet.ts is None and packet.kind == "signoff" and not packet.can_decide and moved:
            continue  # a request that nobody has to answer any more
        if packet.lost and {channel_id(packet.queue), FALLBACK_CHANNEL} <= set(world.losses.archived):
            continue
        if message is None:
            raise Violation(f"Case {case.id}: packet {packet.key} for #{packet.channel} never came to Slack.")
        wanted = packet_message(case, packet, around)
        if json.dumps(message.blocks) != json.dumps(wanted.blocks) or message.text != wanted.text:
            raise Violation(f"Case {case.id} is {case.state}, but its packet {packet.key} still shows something else.")
    if case.state == "indeterminate" and not _shown_buttons(case, world) & SETTLING:
        raise Violation(f"Case {case.id} is indeterminate, and no packet lets anybody settle it.")
    left = _shown_buttons(case, world) & DECIDING
    if left:
        raise Violation(f"Case {case.id} is {case.state}, and Slack still shows {', '.join(sorted(left))} on it.")


def _line(engine: Engine, case: Case, key: str, world: World) -> None:
    """A folded packet is a line of a digest that ends true, or was over before Slack had to show it."""
    with engine.store.reading() as reader:
        digest = reader.digest(key)
        cases = reader.listed_cases(digest) if digest else []
    if digest is None or case.id not in digest.cases:
        raise Violation(f"Case {case.id} is folded, and no digest has a line about it.")
    message = world.messages.get((digest.channel_id, digest.ts or ""))
    if message is None and digest.over and case.is_final:
        return
    if message is None:
        raise Violation(f"Case {case.id} is {case.state}, and its digest {key} never came to Slack.")
    wanted = digest_message(digest, cases, surroundings_of(engine.policy, engine.people()))
    if json.dumps(message.blocks) != json.dumps(wanted.blocks):
        raise Violation(f"Case {case.id} is {case.state}, and its digest {key} still shows something else.")


def _order(case: Case, world: World) -> None:
    """Reply, then fields, then CRM; nothing of a case overtakes its earlier delivery (DL3).

    Left out: what was still on its way after its time-out, and what an operator sent once more.
    """
    latest = 0
    seen: set[str] = set()
    for arrival in world.of(case.id, "reply", "holding", "note", "fields", "crm"):
        if arrival.late or arrival.delivery in seen | world.repeated:
            continue
        if arrival.number < latest:
            raise Violation(
                f"Case {case.id}: its {arrival.kind} (delivery {arrival.number}) came after number {latest}."
            )
        seen.add(arrival.delivery)
        latest = arrival.number


def _crm(case: Case, world: World, dead: set[str]) -> None:
    """The last patch of a case that ended says how, and what comes next; dead letters wait for an operator."""
    if not case.customer.crm_ticket_id or case.state not in FINAL_STATES:
        return
    if case.id in dead or any(delivery.startswith(f"{case.id}-") for delivery in world.repeated):
        return
    patches = world.of(case.id, "crm")
    if not patches:
        raise Violation(f"Case {case.id} is {case.state}; its CRM ticket was never patched.")
    last = patches[-1].fields
    for name in ("resolution_code", "next_action"):
        if not last.get(name):
            raise Violation(f"Case {case.id} is {case.state}; the last CRM patch leaves {name} empty.")
    if last.get("approval_outcome") != approval_outcome(case):
        raise Violation(
            f"Case {case.id} is {case.state}; the CRM says approval_outcome {last.get('approval_outcome')!r}, "
            f"not {approval_outcome(case)!r}."
        )
