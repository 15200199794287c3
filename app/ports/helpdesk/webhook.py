"""The generic helpdesk: one signed webhook per effect, to one address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Literal

import httpx

from app.core.case import Case
from app.core.effects import HelpdeskFields, HelpdeskNote, HelpdeskReply
from app.ports.errors import Found, SendResult
from app.ports.http import HttpDestination, utc_now
from app.ports.standard_webhooks import envelope, secret_key, sign

URL_SETTING = "COUNTERSIGN_HELPDESK_URL"
CREDENTIAL_SETTING = "COUNTERSIGN_HELPDESK_SECRET"


class WebhookHelpdesk:
    """`webhook-id` is the delivery id in every attempt, so that a receiver can drop repeats.

    Whether it does is not for us to know: only fields are repeated after an ambiguous outcome.
    """

    idempotent = frozenset({"HelpdeskFields"})

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
            "The helpdesk webhook",
            url,
            url_setting=URL_SETTING,
            credential_setting=CREDENTIAL_SETTING,
            transport=transport,
            clock=clock,
        )

    def send_reply(
        self, delivery_id: str, case: Case, text: str, kind: Literal["reply", "holding"], request_hash: str
    ) -> SendResult:
        return self._reply(delivery_id, case, text, kind, request_hash)

    def add_note(self, delivery_id: str, case: Case, text: str) -> SendResult:
        return self._reply(delivery_id, case, text, "note", "")

    def set_fields(self, delivery_id: str, case: Case, fields: Mapping[str, str], tags: tuple[str, ...]) -> SendResult:
        data = {"fields": dict(fields), "tags": tags}
        return self._post(delivery_id, case, "ticket.fields", data, "its fields and tags")

    def find_sent(
        self,
        delivery_id: str,  # noqa: ARG002
        case: Case,  # noqa: ARG002
        effect: HelpdeskReply | HelpdeskNote | HelpdeskFields,  # noqa: ARG002
    ) -> Found:
        """A webhook only takes; there is nothing to read back."""
        return Found.UNKNOWN

    def close(self) -> None:
        self._http.close()

    def _reply(self, delivery_id: str, case: Case, text: str, kind: str, request_hash: str) -> SendResult:
        data = {"text": text, "kind": kind, "public": kind != "note", "request_hash": request_hash or None}
        return self._post(delivery_id, case, "reply.send", data, f"a {kind} with webhook-id {delivery_id}")

    def _post(self, delivery_id: str, case: Case, kind: str, data: Mapping[str, object], what: str) -> SendResult:
        now = self._clock()
        body = envelope(kind, now, {"case_id": case.id, "ticket_id": case.ticket.id, **data})
        self._http.request(
            "POST",
            content=body,
            headers=sign(self._key, delivery_id, now, body),
            look_at=f"ticket {case.ticket.id} in the helpdesk, for {what}",
            read=False,
        )
        return SendResult(remote_id=delivery_id)
