"""What a case keeps of its dynamic roles (DE6): what it asked, and what it was told."""

from __future__ import annotations

from datetime import datetime

from app.core.assessment import Value


class Lookup(Value, frozen=True, kw_only=True):
    """A dynamic role that was asked for; while its timer `role:<delivery>` runs, nobody stands in for it."""

    role: str
    delivery: str


class Resolved(Value, frozen=True, kw_only=True):
    """Who a dynamic role is in this case, as its resolver said when it was needed (DE6). `users` are Slack accounts."""

    role: str
    users: tuple[str, ...]
    at: datetime
    source: str
