"""What a helpdesk adapter must be able to do. One of your own needs these methods and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

from app.core.case import Case
from app.core.effects import HelpdeskFields, HelpdeskNote, HelpdeskReply
from app.ports.errors import Found, SendResult


class Helpdesk(Protocol):
    """Every method may raise RetryLater, GiveUp or Ambiguous (`app.ports.errors`)."""

    @property
    def idempotent(self) -> frozenset[str]:
        """Names of the effects (`HelpdeskFields`, …) that do no harm when done twice."""

    def send_reply(
        self, delivery_id: str, case: Case, text: str, kind: Literal["reply", "holding"], request_hash: str
    ) -> SendResult:
        """To the customer, the text exactly as it is; the marker of `delivery_id` stands beside it."""

    def add_note(self, delivery_id: str, case: Case, text: str) -> SendResult:
        """For colleagues only, never to be seen by the customer."""

    def set_fields(
        self, delivery_id: str, case: Case, fields: Mapping[str, str], tags: tuple[str, ...]
    ) -> SendResult: ...

    def find_sent(self, delivery_id: str, case: Case, effect: HelpdeskReply | HelpdeskNote | HelpdeskFields) -> Found:
        """Whether an ambiguous delivery arrived. UNKNOWN parks it for a person."""
