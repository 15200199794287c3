"""HubSpot tickets, by the dated path of its CRM API."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

import httpx

from app.core.case import Case
from app.ports.errors import SKIPPED, GiveUp, SendResult
from app.ports.http import Answer, HttpDestination, header_value

DEFAULT_URL = "https://api.hubapi.com"
API_VERSION = "2026-09"
URL_SETTING = "COUNTERSIGN_CRM_URL"
CREDENTIAL_SETTING = "COUNTERSIGN_CRM_TOKEN"

# HubSpot names the property in several shapes, some of them JSON quoted inside a sentence.
_NAMED = re.compile(r"""(?:name|propertyName|[Pp]roperty)\\*["']?\s*:?\s*\[?\s*\\*["']([a-z0-9_]{1,100})\\*["']""")
_UNKNOWN_PROPERTY = re.compile(r"PROPERTY_DOESNT_EXIST|does not exist")


class HubSpotCrm:
    """Patching the same properties twice does no harm, so an ambiguous patch is simply repeated."""

    idempotent = frozenset({"CrmPatch"})

    def __init__(
        self, url: str, token: str, *, version: str = API_VERSION, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._version = version
        self._http = HttpDestination(
            "HubSpot",
            url or DEFAULT_URL,
            headers={"authorization": f"Bearer {header_value(token, CREDENTIAL_SETTING)}"},
            url_setting=URL_SETTING,
            credential_setting=CREDENTIAL_SETTING,
            transport=transport,
        )

    def update(
        self,
        delivery_id: str,  # noqa: ARG002
        case: Case,  # noqa: ARG002
        ticket: str,
        properties: Mapping[str, str],
    ) -> SendResult:
        if not ticket:
            return SKIPPED
        answer = self._http.request(
            "PATCH",
            f"/crm/objects/{self._version}/tickets/{quote(ticket, safe='')}",
            json={"properties": dict(properties)},
            look_at=f"HubSpot ticket {ticket}",
            expect=frozenset({400, 404}),
        )
        if answer.status == 404:
            raise GiveUp(
                f"HubSpot has no ticket {ticket} (404)",
                "Check the case's customer.crm_ticket_id and that the ticket was not deleted or merged",
                code="404",
            )
        if answer.status == 400:
            raise _invalid(answer, properties)
        return SendResult(remote_id=ticket)

    def close(self) -> None:
        self._http.close()


def _invalid(answer: Answer, properties: Mapping[str, str]) -> GiveUp:
    """Names only properties we sent: whatever else the answer says may repeat a customer's data."""
    text = answer.body.decode("utf-8", "replace")
    refused = sorted(set(_NAMED.findall(text)) & properties.keys())
    named = f"the property {', '.join(refused)}" if refused else "a property"
    remedy = (
        "Create the property in HubSpot, or rename it in crm.yaml"
        if _UNKNOWN_PROPERTY.search(text)
        else "Compare its type and options in HubSpot with crm.yaml"
    )
    return GiveUp(f"HubSpot refuses {named} (400)", f"{remedy}, then redrive the delivery", code="400")
