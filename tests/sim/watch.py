"""What must hold after every step, whatever is still under way, seen from the store and from what people were told."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from app.core.case import Case
from app.core.errors import Refused
from app.core.people import People
from db.store import Store
from tests.sim.book import Violation
from tests.sim.directory import held
from tests.sim.scenery import TICKETS

EVER = datetime(9999, 1, 1, tzinfo=UTC)
MOST_TIMERS = 10_000
UNDER_DISCUSSION = ("pending", "awaiting_signoff", "blocked")
IN_TROUBLE = ("failed", "indeterminate")
# What one timer may cause: a thread reply, a packet and its sign-off request, ten direct messages, and what a change of
# state brings (a holding message, fields, CRM, a callback); besides, each packet is shown anew.
MOST_OF_A_TIMER = 20


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """The store at one moment: all timers, and of each case how much it sent so far and which timers fired."""

    timers: list[tuple[str, str, datetime]]  # in the order in which they have to fire
    deliveries: dict[str, int]
    packets: dict[str, int]
    fired: list[tuple[str, str]]  # case and key, in the order of the log


def check_refusal(refusal: Refused) -> None:
    """Nobody is turned away without a reason that a person can read."""
    words = refusal.sentence.strip()
    if not refusal.code or len(words) < 10 or words[-1] not in '.!?"':
        raise Violation(f"A refusal ({refusal.code or 'no code'}) names no reason: {words!r}.")


def check_open_cases(store: Store, people: People) -> None:
    """Whatever is not over goes on by itself or waits for somebody who is there (TI3, TI4)."""
    with store.reading() as reader:
        cases = [case for ticket in TICKETS if (case := reader.open_case_for_ticket(ticket))]
        timers: dict[str, set[tuple[str, datetime]]] = {}
        for case_id, timer in reader.due_timers(EVER, MOST_TIMERS):
            timers.setdefault(case_id, set()).add((timer.key, timer.due_at))
        sending = (reader.delivery(case.pending_reply) for case in cases if case.state == "sending")
        waiting = {reply.id for reply in sending if reply and reply.status in ("pending", "claimed")}
    for case in cases:
        if timers.pop(case.id, set()) != {(t.key, t.due_at) for t in case.timers}:
            raise Violation(f"Case {case.id}: the timers that are due are not those it has.")
        if problem := _hangs(case, waiting, people):
            raise Violation(f"Case {case.id} is {case.state}: {problem}.")
    if timers:
        raise Violation(f"Timers of {', '.join(sorted(timers))} are due, which have no open case.")


def _hangs(case: Case, waiting: set[str], people: People) -> str:
    kinds = {timer.kind for timer in case.timers}
    if case.state in UNDER_DISCUSSION and "expire" not in kinds:
        return "it has no end, so it can wait for ever"
    if case.state == "approved" and "send" not in kinds:
        return "no timer will ever send it"
    if case.state == "sending" and case.pending_reply not in waiting:
        return "its reply stands in no queue"
    if case.state in IN_TROUBLE:
        roles = {case.assessed.route.role, "support_lead", "automation_owner"}
        if not any(held(people, user) & roles for user in people.persons):
            return "there is nobody who could settle it"
    return ""


# --- a week away -------------------------------------------------------------------------------------------------


def looked_at(store: Store, now: datetime) -> Seen:
    with store.reading() as reader:
        cases = [case for ticket in TICKETS if (case := reader.open_case_for_ticket(ticket))]
        due = reader.due_timers(now, MOST_TIMERS)
        log = [(e.case_id or "", e) for e in reader.all_events() if e.type == "TimerFired"]
        known = {case_id: reader.case(case_id) for case_id, _ in log} | {case.id: case for case in cases}
    return Seen(
        timers=[(case_id, timer.key, timer.due_at) for case_id, timer in due],
        deliveries={c: case.deliveries for c, case in known.items() if case},
        packets={c: len(case.packets) for c, case in known.items() if case},
        fired=[(case_id, str(e.content.data["timer"])) for case_id, e in log],
    )


def check_catching_up(before: Seen, after: Seen) -> None:
    """What was due fires in the order in which it was due, and one timer stays one timer's worth of messages."""
    if after.timers:
        raise Violation(f"After a week away {len(after.timers)} timers are still due.")
    new = after.fired[len(before.fired) :]
    due = {(case_id, key): at for case_id, key, at in before.timers}
    late = [due[fired] for fired in new if fired in due]
    if late != sorted(late):
        raise Violation(f"After a week away timers fired out of order: {new}.")
    for case_id, sent in after.deliveries.items():
        fired = sum(case == case_id for case, _ in new)
        more = sent - before.deliveries.get(case_id, 0)
        if more > fired * (MOST_OF_A_TIMER + after.packets[case_id]):
            raise Violation(f"Case {case_id} sent {more} messages after a week away, for {fired} timers.")
