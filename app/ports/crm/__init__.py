"""What a CRM adapter must be able to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from app.core.case import Case
from app.ports.errors import SendResult


class Crm(Protocol):
    """`update` may raise RetryLater, GiveUp or Ambiguous (`app.ports.errors`)."""

    @property
    def idempotent(self) -> frozenset[str]:
        """`{"CrmPatch"}` where setting the same properties twice does no harm."""

    def update(self, delivery_id: str, case: Case, ticket: str, properties: Mapping[str, str]) -> SendResult:
        """Sets the properties of one CRM ticket; SKIPPED where `ticket` is empty."""
