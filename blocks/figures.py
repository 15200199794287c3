"""`/approvals stats` and the figures of App Home: each with a word on how to read it (ME1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.core.assessment import Tier
from app.core.figures import Figures, TierFigures
from blocks.kit import Json, bold, bullets, context, header, line, literal, plain, rich
from blocks.queue import QueueRow, age, queue_line
from blocks.surface import SlackMessage, slack_message
from blocks.text import counted
from blocks.words import TIER_WORDS

SHOWN = 40
_TIERS = {
    "low": "approved falling: check knowledge base or macros",
    "medium": "much edited: the drafts miss what your people add",
    "high": "much rejected: look at what comes in, and where it is sent",
}


def stats_message(queues: Sequence[QueueRow], figures: Figures, pending: Mapping[Tier, int]) -> SlackMessage:
    """What waits now, by tier and by queue, and what the last seven days came to. `pending` counts each case once."""
    waiting = [row for row in queues if row.pending][:SHOWN]
    by_tier = ", ".join(f"{count} {tier}" for tier, count in pending.items() if count) or "nothing"
    blocks: list[Json] = [header("Team figures"), rich(line(bold("Waiting now"), literal(f" · {by_tier}")))]
    blocks += _waiting(waiting)
    blocks += [rich(line(bold("Last 7 days"))), rich(bullets(_week(figures)))]
    if figures.cut:
        blocks.append(context(plain(f"Of the newest {figures.cases:,} cases; there were more.")))
    return slack_message(f"{_decided(figures)} in 7 days, {sum(pending.values())} pending", blocks)


def short_figures(queues: Sequence[QueueRow], figures: Figures, pending: Mapping[Tier, int]) -> list[tuple[str, str]]:
    """The same in a few (label, value) pairs."""
    overdue = sum(row.overdue for row in queues)
    oldest = max((row.oldest for row in queues if row.pending), default=0.0)
    pairs = [
        ("Pending", f"{sum(pending.values())}, {overdue} overdue"),
        ("Oldest", age(oldest) if oldest else "nothing waits"),
        ("Decided in 7 days", str(figures.decided)),
        ("Rejected", _share(sum(tier.rejected for tier in figures.tiers), figures.decided)),
        ("Time to decide", f"median {_time(figures.median)}, p90 {_time(figures.p90)}"),
        ("Within 15 min", _share(figures.soon, figures.decided)),
        ("Overrides", str(figures.overrides)),
        ("Escalations", str(figures.escalations)),
    ]
    return pairs


def _waiting(rows: Sequence[QueueRow]) -> list[Json]:
    if not rows:
        return [context(plain("Nothing waits."))]
    hint = "overdue: past the first reminder or escalation, so that queue needs help"
    return [rich(bullets(queue_line(row) for row in rows)), context(plain(hint))]


def _week(figures: Figures) -> list[list[Json]]:
    people, rows = figures.decided, []
    rows += [_row(TIER_WORDS[tier.tier], _shares(tier), _TIERS[tier.tier]) for tier in figures.tiers if tier.decided]
    if not people:
        rows.append(_row("Decided", "nothing by people", "new here, or nobody looks at the queues"))
    else:
        times = f"median {_time(figures.median)}, p90 {_time(figures.p90)}"
        rows.append(_row("Time to decide", times, "p90 far above the median: some cases nobody feels meant by"))
        soon = f"{_share(figures.soon, people)} of {people}"
        rows.append(_row("Within 15 min", soon, "falling: too few people there, or packets too long to read"))
    rows.append(_row("Without a person", counted(figures.alone, "case"), "0 while baseline mode is on"))
    rows.append(_row("Overrides", str(figures.overrides), "more than a few: a guardrail is too strict"))
    rows.append(_row("Escalations", str(figures.escalations), "rising: the first queue lacks people or answers"))
    return rows


def _row(label: str, value: str, reading: str) -> list[Json]:
    return [bold(label), literal(f" · {value}"), literal(f" · {reading}", italic=True)]


def _shares(tier: TierFigures) -> str:
    parts = (("approved", tier.approved), ("edited", tier.edited), ("rejected", tier.rejected))
    return f"{', '.join(f'{_share(n, tier.decided)} {word}' for word, n in parts)} of {tier.decided}"


def _decided(figures: Figures) -> str:
    return f"{counted(figures.decided, 'case')} decided"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "–"


def _time(seconds: float | None) -> str:
    return "–" if seconds is None else age(seconds)
