"""What policy says of a case, and the small values it says it with."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

import msgspec

Tier = Literal["low", "medium", "high"]
TIERS: tuple[Tier, ...] = get_args(Tier)
Band = Literal["high", "medium", "low"]
BANDS: tuple[Band, ...] = get_args(Band)
AiMode = Literal["draft_reply", "macro_suggest", "summarize_only"]
# Most permissive first: policy takes the last of all that apply.
AI_MODES: tuple[AiMode, ...] = get_args(AiMode)
TriggerType = Literal["rule", "guidance", "manual"]


class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of the stored values: immutable, compared by content, encoded as JSON without its defaults."""


class Reason(Value, frozen=True, kw_only=True):
    """A policy rule that fired: its id, the owner's words and the facts it read."""

    rule_id: str
    text: str
    facts: dict[str, str] = {}
    guidance: str = ""
    link: str = ""


class Stage(Value, frozen=True, kw_only=True):
    """One approval step. `each` needs one person from every role, `any_of` one from any, `quorum` n from any."""

    id: str
    roles: tuple[str, ...]
    mode: Literal["any_of", "all_of", "each", "quorum"] = "any_of"
    quorum: int = 1
    label: str = ""


class Route(Value, frozen=True, kw_only=True):
    role: str
    channel: str  # name without '#', as the policy writes it


class Rung(Value, frozen=True, kw_only=True):
    """One step of a ladder, resolved for this case: what happens `after` seconds from the packet's start.

    With `open_hours` these are seconds in which the role the case went to is there, by the case's own policy.
    """

    id: str
    after: float
    do: Literal["remind", "escalate", "holding", "status"]
    role: str = ""
    direct_message: bool = False
    open_hours: bool = False


class PersonSays(Value, frozen=True, kw_only=True):
    """What a person says the case is, in the place of what was read from it (DE9). `tier` is the least that it is."""

    user: str
    at: datetime
    intent: str = ""
    tier: Tier | None = None
    lowered: bool = False  # less was asked of people afterwards than before


class Assessment(Value, frozen=True, kw_only=True):
    """What policy says of a case: computed by `app.core.policy.assess`, kept by the case, never recomputed silently."""

    tier: Tier
    band: Band
    ai_mode: AiMode
    required: Literal["auto", "notify", "approve", "edit", "write", "sign_off"]
    reasons: tuple[Reason, ...]
    route: Route
    also: tuple[Route, ...] = ()  # further packets posted at the start (DE10: Write reply in #support-review)
    stages: tuple[Stage, ...] = ()
    checklist: tuple[str, ...] = ()
    must_edit: bool = False
    confirm: bool = False
    ladder: str = "standard"
    rungs: tuple[Rung, ...] = ()
    expire_after: float = 86_400
    send_delay: float = 0
    holding_allowed: bool = False
    escalation_reason: str = ""
    escalation_trigger: TriggerType | None = None
