"""How the queues stand, for `/approvals` and App Home."""

from __future__ import annotations

from app.core.assessment import Tier
from app.core.case import Case
from app.core.figures import Figures
from app.core.pausing import EVERYWHERE
from app.edges.listeners.shared import Desk, by_risk
from blocks.queue import QueueRow
from db.queries import QueueCount

NEXT = 10
_NOBODY = QueueCount(pending=0, overdue=0, oldest_at=None)


def queue_rows(desk: Desk) -> list[QueueRow]:
    """Of every queue that ever had a case or is paused."""
    now = desk.engine.clock.now()
    pauses = desk.engine.pauses()
    with desk.engine.store.reading() as reader:
        counts = reader.queue_counts(now)
        unposted = reader.oldest_unposted(desk.queues())
    return [
        QueueRow(
            channel=name,
            pending=count.pending,
            overdue=count.overdue,
            oldest=(now - count.oldest_at).total_seconds() if count.oldest_at else 0.0,
            unposted=(now - unposted[name]).total_seconds() if name in unposted else 0.0,
            paused=bool({EVERYWHERE, name} & pauses),
        )
        for name in desk.queues()
        if (count := counts.get(name) or (_NOBODY if {EVERYWHERE, name} & pauses else None))
    ]


def waiting(desk: Desk) -> tuple[int, int]:
    """Pending cases, and overdue ones among them, each once."""
    with desk.engine.store.reading() as reader:
        return reader.waiting(desk.engine.clock.now())


def next_cases(desk: Desk) -> list[Case]:
    """Over all queues: highest risk first, then the oldest."""
    with desk.engine.store.reading() as reader:
        found = {c.id: c for name in desk.queues() for c in reader.next_in_queue(name, NEXT)}
    return sorted(found.values(), key=by_risk)[:NEXT]


def team_figures(desk: Desk) -> tuple[list[QueueRow], Figures, dict[Tier, int]]:
    """What waits by queue, what the last days came to, and how many cases wait by tier."""
    with desk.engine.store.reading() as reader:
        return queue_rows(desk), reader.figures(desk.engine.clock.now()), reader.pending_by_tier()
