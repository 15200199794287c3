"""The generic CRM: one signed webhook per patch, to one address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import httpx

from app.core.case import Case
from app.ports.errors import SKIPPED, SendResult
from app.ports.http import HttpDestination, utc_now
from app.ports.standard_webhooks import envelope, secret_key, sign

URL_SETTING = "COUNTERSIGN_CRM_URL"
CREDENTIAL_SETTING = "COUNTERSIGN_CRM_TOKEN"


class WebhookCrm:
    """`crm.update` with `data: {case_id, ticket_id, crm_ticket_id, properties}`; setting them twice does no harm."""

    idempotent = frozenset({"CrmPatch"})

    def __init__(
        self,
        url: str,
        secret: str,
        *,
        clock: Callable[[], datetime] = utc_now,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._key = secret_key(secret, CREDENTIAL_SETTING)
        self._clock = clock
        self._http = HttpDestination(
            "The CRM webhook",
            url,
            url_setting=URL_SETTING,
            credential_setting=CREDENTIAL_SETTING,
            transport=transport,
            clock=clock,
        )

    def update(self, delivery_id: str, case: Case, ticket: str, properties: Mapping[str, str]) -> SendResult:
        if not ticket:
            return SKIPPED
        now = self._clock()
        data = {
            "case_id": case.id,
            "ticket_id": case.ticket.id,
            "crm_ticket_id": ticket,
            "properties": dict(properties),
        }
        body = envelope("crm.update", now, data)
        self._http.request(
            "POST",
            content=body,
            headers=sign(self._key, delivery_id, now, body),
            look_at=f"ticket {ticket} in the CRM",
            read=False,
        )
        return SendResult(remote_id=ticket)

    def close(self) -> None:
        self._http.close()
