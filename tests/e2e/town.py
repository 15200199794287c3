"""A Slack workspace with a helpdesk and a CRM, the people in it, and what they saw of the product."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import httpx

from app.sandbox.delivery import DeliveryResult
from app.sandbox.helpdesk import HelpdeskDelivery
from app.sandbox.model import Message, User, View
from app.sandbox.server import Sandbox, SandboxConfig
from app.sandbox.serving import run

Json = dict[str, Any]
T = TypeVar("T")

POLICIES = Path(__file__).resolve().parents[2] / "policies"
API_SECRET = "e2e-key"
HELPDESK_SECRET = "whsec_ZTJlLWhlbHBkZXNrLXNlY3JldC10aGlydHktdHdvISE="
SIGNING_KEY = "5e" * 32

AGENTS = tuple(f"U9{number:02}CROWD" for number in range(20))
BILLING, MORE_BILLING, LEAD, OUTSIDER = "U05INGRID", "U06KWAME", "U03PRIYA", "U21CARLA"
DRAFT = "Your parcel left our warehouse today."
CALM = "Thank you for the photos. A colleague checks your order and writes to you today."
PATIENCE = 20.0


def wait_for(look: Callable[[], T | None], what: str, seconds: float = PATIENCE) -> T:
    """The first true answer; a test that waits in vain says for what."""
    give_up = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < give_up, f"waited {seconds:g} s in vain for {what}"
        time.sleep(0.02)


def signals(intent: str) -> Json:
    return {
        "intent": {"label": intent, "confidence": 0.95},
        "sentiment": {"label": "neutral", "confidence": 0.9},
        "language": {"label": "en", "confidence": 0.99},
    }


def low_body(ticket: str, **changes: Any) -> Json:
    """Low tier: one agent approves."""
    body = {
        "ticket": {"id": ticket, "channel": "email"},
        "customer": {"id": f"cust-{ticket}", "name": "Acme Tools", "segment": "standard"},
        "messages": [{"author": "customer", "text": "My parcel was due on Friday. Where is it?"}],
        "draft": {"text": DRAFT, "confidence": 0.91},
        "signals": signals("shipping_status"),
    }
    return {**body, **changes}


def high_body(ticket: str, **changes: Any) -> Json:
    """High tier: a refund, written by a person; an agent or billing approves, billing signs off."""
    changed = {
        "messages": [{"author": "customer", "text": "Please refund order 4411, it arrived broken."}],
        "draft": {"author": "human", "text": CALM},
        "signals": signals("refund_request"),
        "requested_action": {"type": "refund", "amount": "240", "currency": "EUR"},
    }
    return low_body(ticket, **{**changed, **changes})


class Town:
    """`bots` are the addresses of the replicas: Slack's requests reach them in turn."""

    def __init__(self, **config: Any) -> None:
        self.bots: list[str] = []
        self._turn = itertools.count()
        self._tickets = itertools.count(1)
        self._http = httpx.Client(trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
        events = ("message.channels", "message.groups", "app_home_opened")  # as manifest.yml subscribes
        self.config = SandboxConfig(helpdesk_secret=HELPDESK_SECRET, events=events, **config)
        self.sandbox = Sandbox(self.config, post=self._post)
        self.workspace = self.sandbox.workspace
        self.helpdesk = self.sandbox.helpdesk
        self.faults = self.sandbox.faults
        self.people = self.sandbox.delivery
        for number, user in enumerate(AGENTS):
            self.workspace.add_user(User(user, f"agent{number:02}", f"agent{number:02}"))
            self.workspace.join(self.workspace.channel_named("support-review"), user)
        self.workspace.set_group("support-agents", AGENTS)
        self.far = run(self.sandbox.app)
        self.mend()

    def close(self) -> None:
        self.far.stop()
        self._http.close()

    def mend(self) -> None:
        """No fault is on; nobody has a form open."""
        self.faults.clear()
        self.faults.set("slack_rate_limit", "off")
        for user in self.workspace.users:
            self.workspace.views.clear(user)

    def _post(self, body: bytes, headers: dict[str, str], timeout: float) -> tuple[int, Mapping[str, str], bytes]:
        bots = list(self.bots)
        if not bots:
            raise httpx.ConnectError("no replica runs")
        url = bots[next(self._turn) % len(bots)]
        answer = self._http.post(f"{url}/slack/events", content=body, headers=headers, timeout=timeout)
        return answer.status_code, answer.headers, answer.content

    # --- how the product is set up -------------------------------------------------------------------------------

    def environment(self, database_url: str, **changes: str) -> dict[str, str]:
        """What an operator would set, with the sandbox as Slack, helpdesk and CRM."""
        known = {
            "SLACK_BOT_TOKEN": self.config.bot_token,
            "SLACK_SIGNING_SECRET": self.config.signing_secret,
            "SLACK_API_URL": f"{self.far.url}/api/",
            "DATABASE_URL": database_url,
            "COUNTERSIGN_API_KEYS": f"e2e:{API_SECRET}:submit+read+audit",
            "COUNTERSIGN_POLICY_DIR": str(POLICIES),
            "COUNTERSIGN_HELPDESK_URL": f"{self.far.url}/helpdesk/webhook",
            "COUNTERSIGN_HELPDESK_SECRET": HELPDESK_SECRET,
            "COUNTERSIGN_CRM": "hubspot",
            "COUNTERSIGN_CRM_URL": self.far.url,
            "COUNTERSIGN_CRM_TOKEN": self.config.crm_token,
            "COUNTERSIGN_SIGNING_KEY": SIGNING_KEY,
            "COUNTERSIGN_LOG_LEVEL": "WARNING",
        }
        return {**known, **changes}

    # --- the API -------------------------------------------------------------------------------------------------

    def call(self, method: str, path: str, bot: int = 0, **options: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {API_SECRET}"}
        return self._http.request(method, f"{self.bots[bot]}{path}", headers=headers, timeout=30, **options)

    def ticket(self) -> str:
        return f"tick-{next(self._tickets)}"

    def submit(self, body: Json) -> str:
        """The id of a new case."""
        answer = self.call("POST", "/v1/cases", json=body)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def case(self, case_id: str) -> Json:
        found: Json = self.call("GET", f"/v1/cases/{case_id}").json()
        return found

    def events(self, case_id: str, *types: str) -> list[Json]:
        """The audit trail of a case, of these types only if any are given."""
        answer = self.call("GET", f"/v1/cases/{case_id}/audit").json()
        return [e for e in answer["events"] if not types or e["type"] in types]

    def reaches(self, case_id: str, *states: str) -> Json:
        def look() -> Json | None:
            case = self.case(case_id)
            return case if case["state"] in states else None

        return wait_for(look, f"case {case_id} to be {' or '.join(states)}")

    # --- Slack ---------------------------------------------------------------------------------------------------

    def messages(self) -> Iterable[Message]:
        for channel in list(self.workspace.channels):
            yield from self.workspace.everything(channel)

    def message_with(self, case_id: str, action: str) -> Message:
        """The message that shows this case's button, as soon as there is one."""

        def look() -> Message | None:
            shown = [m for m in self.messages() if m.ephemeral_to is None]
            return next((m for m in shown if case_of(buttons(m).get(action)) == case_id), None)

        return wait_for(look, f"a message of {case_id} with {action}")

    def click(self, user: str, message: Message, action: str) -> DeliveryResult:
        result = self.people.click(user, message.channel, message.ts, action_id=action)
        assert result.delivered, result.error
        return result

    def approve(self, user: str, case_id: str, action: str = "cs:approve") -> DeliveryResult:
        """Click a button of the case that decides at once; Slack saw it acknowledged."""
        result = self.click(user, self.message_with(case_id, action), action)
        assert result.ok, result.error
        return result

    def send(self, payload: Json, kind: str = "interactive") -> int | None:
        """A payload as Slack signs it; the status it was answered with."""
        return self.people.send(kind, payload).status

    def private(self, user: str) -> list[str]:
        """What only this person was told, oldest first: beside a message or in a direct one."""
        direct = {c.id for c in self.workspace.channels.values() if c.im_user == user}
        found = [m for m in self.messages() if m.ephemeral_to == user or m.channel in direct]
        return [everything_said(m) for m in sorted(found, key=lambda m: m.ts)]

    def told(self, user: str, before: int, what: str = "") -> str:
        """The first private word this person gets after the `before` earlier ones, as soon as it is there."""
        return wait_for(
            lambda: next((said for said in self.private(user)[before:] if what in said), None),
            f"a private word to {user} {what!r}",
        )

    def form(self, user: str) -> View:
        return wait_for(lambda: next(iter(self.workspace.views.stack(user)), None), f"a form for {user}")

    # --- far ends ------------------------------------------------------------------------------------------------

    def replies(self, case_id: str) -> list[HelpdeskDelivery]:
        """What the customer got of this case."""
        return [d for d in self.helpdesk.replies() if d.case_id == case_id]

    def repeats(self, case_id: str) -> list[str]:
        """Deliveries that reached the helpdesk more than once."""
        return [d for d in self.helpdesk.repeats if d.startswith(f"{case_id}-")]


def buttons(message: Message) -> dict[str, Json]:
    """Buttons of a message as it is now, by action id."""
    rows = [block["elements"] for block in message.blocks if block["type"] == "actions"]
    return {e["action_id"]: e for row in rows for e in row if e["type"] == "button" and not message.deleted}


def case_of(button: Json | None) -> str:
    return str(json.loads((button or {}).get("value") or "{}").get("c", ""))


def texts_in(value: Any) -> Iterable[str]:
    """Every text in blocks or a view."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from [inner] if key == "text" and isinstance(inner, str) else texts_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts_in(inner)


def everything_said(message: Message) -> str:
    return "\n".join([message.text, *texts_in(message.blocks)])


def with_value(payload: Json, value: str, user: str = "", **action: Any) -> Json:
    """A recorded click, on a button with another value; by another person if one is given."""
    changed: Json = json.loads(json.dumps(payload))
    changed["actions"][0].update(value=value, **action)
    if user:
        changed["user"].update(id=user, username=user.lower(), name=user.lower())
    return changed
