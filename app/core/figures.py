"""The team's figures of a period, from what is known of each case (ME1). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from math import ceil
from statistics import median
from typing import get_args

import msgspec

from app.core.assessment import TIERS, Tier
from app.core.case import ApprovalOutcome

PERIOD = timedelta(days=7)
SOON = timedelta(minutes=15)
_BY_PEOPLE = ("approved", "edited", "rejected")
_ALONE = frozenset(get_args(ApprovalOutcome)) - set(_BY_PEOPLE)


class Tiered(msgspec.Struct, frozen=True, omit_defaults=True):
    tier: Tier = "high"


class Happened(msgspec.Struct, frozen=True, omit_defaults=True):
    """Anything of a case that has a time."""

    at: datetime


class Ended(Happened, frozen=True, omit_defaults=True):
    outcome: str


class CaseFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """The part of a stored case that figures are made of; fields are named as in `Case`."""

    created_at: datetime
    opened_at: datetime | None = None
    assessment: Tiered | None = None
    verdict: Ended | None = None
    overrides: tuple[Happened, ...] = ()
    escalations: tuple[Happened, ...] = ()


class TierFigures(msgspec.Struct, frozen=True, kw_only=True):
    """How many cases of a tier people decided, and as what."""

    tier: Tier
    approved: int = 0
    edited: int = 0
    rejected: int = 0

    @property
    def decided(self) -> int:
        return self.approved + self.edited + self.rejected


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """`median` and `p90` are seconds from when people were asked to the last decision; None where there is none.

    `soon` counts what was decided within 15 minutes, `alone` what went without a person. `cases` were looked at;
    `cut` says that there were more.
    """

    tiers: tuple[TierFigures, ...] = ()
    alone: int = 0
    median: float | None = None
    p90: float | None = None
    soon: int = 0
    overrides: int = 0
    escalations: int = 0
    cases: int = 0
    cut: bool = False

    @property
    def decided(self) -> int:
        return sum(tier.decided for tier in self.tiers)


def sum_up(cases: Iterable[CaseFacts], since: datetime, *, cut: bool = False) -> Figures:
    """What was decided, overridden and escalated from `since` on."""
    counts = {tier: dict.fromkeys(_BY_PEOPLE, 0) for tier in TIERS}
    waits: list[float] = []
    looked = alone = overrides = escalations = 0
    for case in cases:
        looked += 1
        overrides += _since(case.overrides, since)
        escalations += _since(case.escalations, since)
        verdict = case.verdict
        if verdict is None or verdict.at < since:
            continue
        alone += verdict.outcome in _ALONE
        if verdict.outcome in _BY_PEOPLE:
            counts[case.assessment.tier if case.assessment else "high"][verdict.outcome] += 1
            waits.append((verdict.at - (case.opened_at or case.created_at)).total_seconds())
    return Figures(
        tiers=tuple(TierFigures(tier=tier, **counts[tier]) for tier in TIERS),
        alone=alone,
        median=median(waits) if waits else None,
        p90=sorted(waits)[ceil(0.9 * len(waits)) - 1] if waits else None,
        soon=sum(wait <= SOON.total_seconds() for wait in waits),
        overrides=overrides,
        escalations=escalations,
        cases=looked,
        cut=cut,
    )


def _since(happened: Sequence[Happened], since: datetime) -> int:
    return sum(one.at >= since for one in happened)
