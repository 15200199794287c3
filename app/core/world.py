"""Everything a decision may look at besides the case and the command, as values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from app.core.case import History
from app.core.people import People
from app.core.policy import Policy


class Crowd(msgspec.Struct, frozen=True, kw_only=True):
    """How many low-tier cases came into a channel just now, or wait to be posted; `digest` is one with room."""

    low: int = 0
    digest: str = ""


class World(msgspec.Struct, frozen=True, kw_only=True):
    """`policy` is the case's own snapshot; `active` the one in force now (new cases, and guardrails at send time)."""

    now: datetime
    policy: Policy
    active: Policy
    people: People = People()
    history: History = History()
    pauses: frozenset[str] = frozenset()  # queues whose AI text is paused; "" is all of them
    standing: str = ""  # id of the case that is open on the ticket; known where a case would open beside it
    crowds: Mapping[str, Crowd] = {}  # by channel; known where a case may come before people
    model: bool = False  # a language model is connected: it may read a new case, and write drafts (AI1, AI2)
