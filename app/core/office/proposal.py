"""What a changed policy would change: the difference in words, and stored cases under both (RI9)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec

from app.core.case import Case
from app.core.policy import Policy
from app.core.policy.backtest import Sum, backtest
from app.core.policy.diff import diff

MOST_CHANGES = 5  # kinds of change that are named


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate as its owners judge it, each a line of words."""

    differences: tuple[str, ...]
    figures: tuple[str, ...] = ()


def propose(old: Policy, new: Policy, cases: Iterable[Case]) -> Proposal:
    """Takes about 2 ms a case."""
    figures = tuple(_figures(backtest(cases, old, new, keep=0).total))
    return Proposal(differences=differences(old, new), figures=figures)


def differences(old: Policy, new: Policy) -> tuple[str, ...]:
    return tuple(str(one) for one in diff(old.documents, new.documents))


def _figures(total: Sum) -> Iterator[str]:
    """What the owners look at first."""
    if not total.cases:
        yield "There are no cases of the last 30 days to try it on."
        return
    before, after = (f"{share:.0%}" for share in total.share_automatic())
    yield (
        f"{total.changed} of {total.cases} cases would go another way; "
        f"{total.stricter} more strictly, {total.looser} less"
    )
    yield f"without a person: {before} before, {after} after ({total.newly_automatic} newly)"
    for name, (was, now) in total.load.items():
        if was != now:
            yield f"#{name}: {was} cases before, {now} after"
    for what, count in islice(total.by_change.items(), MOST_CHANGES):
        yield f"{what}: {count}"
