"""The team's figures, and what one person submitted, read straight from the newest cases."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import msgspec
from sqlalchemy import Connection, bindparam, func, or_, select

from app.core.assessment import TIERS, Tier
from app.core.audit import event_time
from app.core.case import Case, Submitter
from app.core.figures import PERIOD, CaseFacts, Figures, sum_up
from db.tables import cases, queue_entries

# People wait for the answer: this many documents take about 0.1 s, a busy team's week.
MOST_READ = 5_000
# A case is decided after it came in, nearly always within its day; what is older than this is not looked at.
CAME_IN = 2 * PERIOD

_RANKED: tuple[Tier, ...] = TIERS[::-1]
_decode_case = msgspec.json.Decoder(Case).decode
_decode = msgspec.json.Decoder(CaseFacts).decode
_NEWEST = (
    select(cases.c.document)
    .where(cases.c.created_at >= bindparam("since"))
    .order_by(cases.c.created_at.desc(), cases.c.id.desc())
    .limit(bindparam("limit"))
)
# A case may wait in several queues.
_WAITING = select(queue_entries.c.case_id, queue_entries.c.rank).distinct().subquery()
_BY_RANK = select(_WAITING.c.rank, func.count()).group_by(_WAITING.c.rank)


class FigureReads:
    _connection: Connection

    def figures(self, now: datetime, most: int = MOST_READ) -> Figures:
        """Of the last 7 days, over the newest `most` cases of the last 14."""
        wanted = {"since": event_time(now - CAME_IN), "limit": most + 1}
        rows = self._connection.execute(_NEWEST, wanted).scalars().all()
        return sum_up(map(_decode, rows[:most]), now - PERIOD, cut=len(rows) > most)

    def pending_by_tier(self) -> dict[Tier, int]:
        """Cases that wait for people, each once; the highest risk first."""
        found: dict[int, int] = dict(self._connection.execute(_BY_RANK).all())
        return {tier: found.get(rank, 0) for rank, tier in enumerate(_RANKED)}

    def submitted_by(self, submitters: Collection[Submitter], since: datetime, limit: int) -> list[Case]:
        """Cases that any of these submitted, the newest first, among the newest `MOST_READ` since then."""
        # Found by the letters of the stored JSON, in which nobody's text can look like that: one person's cases are
        # too few for a column and an index of their own.
        written = [f'"submitted_by":{msgspec.json.encode(one).decode()}' for one in submitters]
        theirs = or_(*(func.lower(cases.c.document).contains(text.lower(), autoescape=True) for text in written))
        newest = (cases.c.created_at.desc(), cases.c.id.desc())
        recent = select(cases.c.id).where(cases.c.created_at >= event_time(since)).order_by(*newest).limit(MOST_READ)
        found = select(cases.c.document).where(cases.c.id.in_(recent), theirs).order_by(*newest).limit(limit)
        return [_decode_case(document) for document in self._connection.execute(found).scalars()]
