"""The policies of a run: the shipped one and others that may come into force, and what an outsider knows of each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import Any

import msgspec
from msgspec.structs import replace

from app.core.assessment import Assessment, Rung
from app.core.policy import Policy, compile_policy
from tests.core.policies import shipped_documents, with_roles
from tests.make import NOW
from tests.scenes import SHIPPED
from tests.sim.hours import Hours, due_at

CLAIM_FOR = timedelta(minutes=15)
FALLBACK = "support_lead"
BACKUP = "specialist"  # of the role that is looked up
COMMITMENT = "issued a refund of 240 EUR"  # blocked by every policy, until the refund is reported
PROMISE = "should be with you tomorrow"  # what the strict policy does not let out


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """`changes` are top-level keys of risk.yaml, `hours` by role, `banned` a phrase that its guardrails stop."""

    name: str
    expires: timedelta = timedelta(hours=24)
    changes: dict[str, Any] = {}
    hours: dict[str, Hours] = {}
    banned: str = ""
    holding_text: str = SHIPPED.holding_text
    looks_up: bool = False  # the last step is for whoever looks after the customer

    @property
    def policy(self) -> Policy:
        return _compiled(self.name)

    @property
    def autoload(self) -> bool:
        return bool(self.changes.get("unsafe_policy_autoload"))

    def stops(self, text: str) -> str:
        """The role whose people may lift the guardrail that stops this text; empty when none does."""
        if COMMITMENT in text:
            return "billing_approver"
        return "support_lead" if self.banned and self.banned in text else ""

    def due(self, assessment: Assessment, rung: Rung, asked: datetime) -> datetime:
        """When a rung has to fire: what calls people waits for business hours, but not where it is urgent."""
        waits = assessment.ladder != "urgent" and rung.do != "holding"
        hours = self.hours.get(assessment.route.role) if waits else None
        return due_at(hours, asked, rung.after)


def _other_words(name: str) -> dict[str, Any]:
    text = f"Thank you for your message. We have it and answer as soon as we can ({name})."
    return {"holding_text": text}


WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")
OFFICE = Hours(
    zone="Europe/Berlin",
    days=(*((day, ("09:00-12:30", "13:15-17:30")) for day in WEEKDAYS[:4]), ("fri", ("09:00-15:00",))),
    holidays="DE-BE",
    closed=("2026-03-30", "2026-10-26"),
)
# Their hours begin and end in the hours that the clocks skip or show twice.
NIGHTS = Hours(
    zone="Europe/Berlin",
    days=(
        *((day, ("00:00-01:00", "21:45-24:00")) for day in WEEKDAYS),
        ("sat", ("20:00-24:00",)),
        ("sun", ("00:00-02:30", "02:45-04:00", "19:00-23:00")),
    ),
    holidays="DE-BE",
)
AMERICA = Hours(
    zone="America/New_York",
    days=(
        *((day, ("08:00-16:00",)) for day in WEEKDAYS),
        ("sat", ("22:00-24:00",)),
        ("sun", ("00:00-01:30", "02:15-03:00", "10:00-12:00")),
    ),
    holidays="US",
)
QUORUM = {
    "stages": [
        {"id": "first", "label": "First", "any_of": ["support_agent", "$route"]},
        {"id": "two", "label": "Two of them", "quorum": 2, "of": ["support_agent", "support_lead", "$route"]},
    ]
}
# Every case that may be a line in a digest is one.
LISTED = {"digests": {"from": 1, "within": "30m"}}

OWNER_SIGNS = {
    "stages": [
        {"id": "first", "label": "First", "any_of": ["support_agent", "$route"]},
        {"id": "owner", "label": "Account owner", "any_of": ["account_owner"]},
    ]
}
OWNER = {
    "title": "Account owners",
    "resolver": "account_owner",
    "channel": "account-owners",
    "kind": "specialist",
    "domains": ["support", "billing", "legal", "security", "compliance", "vip", "engineering"],
    "backup": BACKUP,
}

VARIANTS: Mapping[str, Variant] = {
    variant.name: variant
    for variant in (
        Variant(name="shipped"),
        Variant(
            name="office",
            hours={"support_agent": OFFICE, "vip_manager": AMERICA},
            expires=timedelta(days=7),
            changes=LISTED,
        ),
        Variant(
            name="nights",
            changes=LISTED,
            hours={"support_agent": NIGHTS},
            expires=timedelta(days=5),
            **_other_words("nights"),
        ),
        Variant(
            name="america",
            changes=LISTED,
            hours={"support_agent": AMERICA},
            expires=timedelta(days=4),
        ),
        Variant(
            name="strict",
            changes={"unsafe_policy_autoload": True, **LISTED},
            banned=PROMISE,
            **_other_words("strict"),
        ),
        Variant(name="quorum", changes=QUORUM, **_other_words("quorum")),
        Variant(name="owners", changes=OWNER_SIGNS, looks_up=True, **_other_words("owners")),
    )
}
# When clocks change, or a long weekend begins, in a place that some policy knows.
NIGHTS_TO_SEE = tuple(
    datetime.fromisoformat(text).replace(tzinfo=UTC)
    for text in (
        "2026-03-29T01:00",
        "2026-10-25T01:00",
        "2026-03-08T07:00",
        "2026-11-01T06:00",
        "2026-04-03T07:00",
    )
)


def a_beginning(random: Random) -> tuple[Variant, datetime]:
    """The first policy, and when the run starts: mostly as installed, often before a night worth seeing."""
    if random.random() < 0.5:
        return VARIANTS[random.choice(("shipped", "shipped", "owners", "strict", "quorum"))], NOW
    before = timedelta(hours=random.choice((1, 3, 6, 14, 37, 62)), minutes=random.randrange(60))
    return VARIANTS[random.choice(("office", "nights", "america"))], random.choice(NIGHTS_TO_SEE) - before


@cache
def variant_of(snapshot: str) -> Variant:
    return next(variant for variant in VARIANTS.values() if variant.policy.snapshot == snapshot)


@cache
def _compiled(name: str) -> Policy:
    variant = VARIANTS[name]
    documents = with_roles(**{role: {"hours": hours.written()} for role, hours in variant.hours.items()})
    if name == "shipped":
        return SHIPPED
    days = f"{variant.expires // timedelta(hours=1)}h"
    holding = {**shipped_documents()[0].risk["holding"], "text": variant.holding_text}
    risk = {**documents.risk, "expire_after": days, "holding": holding, **variant.changes}
    documents = replace(documents, risk=risk)
    if variant.looks_up:
        roles = {**documents.roles["roles"], "account_owner": OWNER}
        documents = replace(documents, roles={**documents.roles, "roles": roles})
    if variant.banned:
        rules = [*documents.guardrails["rules"], _ban(variant.banned)]
        documents = replace(documents, guardrails={**documents.guardrails, "rules": rules})
    return compile_policy(documents)


def _ban(phrase: str) -> dict[str, Any]:
    return {
        "id": "promised-a-day",
        "owner": "legal",
        "type": "policy",
        "action": {"output": "blocked"},
        "reason": "We promise no day.",
        "overridable_by": "support_lead",
        "match": {"phrases": {"en": [phrase]}},
    }
