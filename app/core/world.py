"""Everything a decision may look at besides the case and the command, as values."""

from __future__ import annotations

from datetime import datetime

import msgspec

from app.core.people import People
from app.core.policy import Policy


class History(msgspec.Struct, frozen=True, kw_only=True):
    """What the store knows of the customer besides this case."""

    contacts_7d: int = 0  # cases of this customer received in the last 7 days, this one not counted
    unresolved_7d: int = 0  # of these, those that did not end as sent
    rejected_drafts: int = 0  # drafts rejected in a row on this ticket


class World(msgspec.Struct, frozen=True, kw_only=True):
    """`policy` is the case's own snapshot; `active` the one in force now (new cases, and guardrails at send time)."""

    now: datetime
    policy: Policy
    active: Policy
    people: People = People()
    history: History = History()
