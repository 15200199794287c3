"""The demo's stream of cases: posted to the product's API as an integrator's helpdesk would."""

import logging
import threading
from copy import deepcopy
from typing import Any

import httpx

from .scripted_cases import CASES
from .server import Sandbox

log = logging.getLogger("countersign.sandbox")

AT_ONCE = 4
EVERY = 20.0  # seconds of real time between the later ones
TRIES = 3


def cases() -> list[dict[str, Any]]:
    """JSON bodies for `POST /v1/cases`, in order of arrival; the caller may change them."""
    return deepcopy(list(CASES))


def post_case(client: httpx.Client, body: dict[str, Any], key: str) -> dict[str, Any]:
    """The answer to one case; `client` knows the address and the API key. Raises httpx.HTTPError if not taken."""
    answer = client.post("/v1/cases", json=body, headers={"Idempotency-Key": key})
    answer.raise_for_status()
    taken: dict[str, Any] = answer.json()
    return taken


def feed(
    api_url: str, api_key: str, sandbox: Sandbox, stop: threading.Event, *, every: float = EVERY
) -> threading.Thread:
    """Post the first few cases now and the others one by one, until all are in or `stop` is set."""
    thread = threading.Thread(
        target=_feed, args=(api_url, api_key, sandbox, stop, every), name="demo-cases", daemon=True
    )
    thread.start()
    return thread


def _feed(api_url: str, api_key: str, sandbox: Sandbox, stop: threading.Event, every: float) -> None:
    headers = {"Authorization": f"Bearer {api_key}"}
    with httpx.Client(base_url=api_url, headers=headers, timeout=10.0, trust_env=False) as client:
        for number, body in enumerate(cases()):
            if stop.wait(every if number >= AT_ONCE else 0):
                return
            crm_ticket = body["customer"].get("crm_ticket_id")
            if crm_ticket:
                sandbox.crm.add_ticket(crm_ticket)
            _post_or_say(client, body, stop)


def _post_or_say(client: httpx.Client, body: dict[str, Any], stop: threading.Event) -> None:
    """The key is the ticket's, so a repeat, also by a second run on a kept database, makes no second case."""
    ticket = body["ticket"]["id"]
    for attempt in range(1, TRIES + 1):
        try:
            post_case(client, body, f"demo-{ticket}")
        except httpx.HTTPStatusError as error:
            log.warning("the case of ticket %s was answered %d", ticket, error.response.status_code)
            if error.response.status_code < 500:
                return
        except httpx.TransportError as error:
            log.warning("the case of ticket %s could not be posted: %s", ticket, type(error).__name__)
        else:
            return
        if attempt == TRIES or stop.wait(1.0):
            return
