"""What comes in from outside: varied cases, new messages, drafts, withdrawals and action results."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from app.core.case import Action, Case, Submitter
from app.core.messages import AddCustomerMessage, AnyCommand, ReceiveCase, ReportActionResult, SubmitDraft, Withdraw
from tests.make import a_customer, a_draft, a_message, a_ticket, signals
from tests.scenes import SCENES
from tests.sim.policies import PROMISE

BY = "api:helpdesk"
TICKETS = ("48213", "48377", "48590", "48611", "48702", "48840")
_REFUND = SCENES["refund"]
_BY_AGENT = Submitter(slack_user="UAGENT1")
_LONG = " ".join(f"Step {n}: open the settings page and look at entry number {n}." for n in range(1, 130))

MORE: Mapping[str, dict[str, Any]] = {
    "no draft": {"draft": None},
    "unsure": {"signals": signals("how_to", intent_confidence=0.41)},
    "written by an agent": {
        "draft": a_draft("Your parcel left us today and should be there soon.", author="human", author_id=""),
        "submitted_by": _BY_AGENT,
    },
    "a colleague's ticket": {"submitted_by": _BY_AGENT},
    "vip": {"customer": {"vip": True}},
    "irreversible refund": {
        **_REFUND,
        "action": Action(type="refund", amount=Decimal("240"), currency="EUR", irreversible=True),
    },
    "irreversible refund by an agent": {
        **SCENES["refund by an agent"],
        "action": Action(type="refund", amount=Decimal("99.50"), currency="EUR", irreversible=True),
    },
    "large order": {
        "signals": signals("place_order"),
        "customer": {"segment": "enterprise"},
        "action": Action(type="order", amount=Decimal("20000"), currency="EUR"),
    },
    "export": {"signals": signals("data_export"), "action": Action(type="data_export", scope="bulk")},
    "security": {"messages": (a_message("I think my account was hacked."),), "signals": signals("security_incident")},
    "blocked draft": {
        **_REFUND,
        "draft": a_draft("Good news: we have issued a refund of 240 EUR to your card."),
    },
    "blocked draft by an agent": {
        "draft": a_draft("We have issued a refund of 240 EUR to your card.", author="human", author_id=""),
        "submitted_by": _BY_AGENT,
    },
    "promising draft": {"draft": a_draft(f"Hello Maria, your parcel {PROMISE}.")},
    "long draft": {"signals": signals("how_to"), "draft": a_draft(_LONG)},
}
ALL_SCENES: Mapping[str, Mapping[str, Any]] = {**SCENES, **MORE}
COMMON = ("shipping", "discount", "refund", "refund by an agent")
OF_AGENTS = ("written by an agent", "refund by an agent", "refund by an agent", "irreversible refund by an agent")
GUARDED = ("blocked draft by an agent", "blocked draft by an agent", "promising draft")


def a_new_case(random: Random, case_id: str, now: datetime, scene: str = "") -> tuple[str, ReceiveCase]:
    """The name of a scene, any if none is asked for, and its command, on one of a few tickets."""
    scene = scene or random.choice(random.choices((COMMON, GUARDED, tuple(ALL_SCENES)), (0.4, 0.2, 0.4))[0])
    told = dict(ALL_SCENES[scene])
    ticket = random.choice(TICKETS)
    customer = {"crm_ticket_id": random.choice(("90211", "90211", "90211", "")), **told.pop("customer", {})}
    known: dict[str, Any] = {
        "case_id": case_id,
        "by": BY,
        "ticket": a_ticket(id=ticket, channel=random.choice(("email", "email", "chat", "web"))),
        "customer": a_customer(id=f"cust-{ticket}", **customer),
        "messages": (a_message(),),
        "signals": signals("shipping_status"),
        "draft": a_draft(),
    }
    if random.random() < 0.15:
        known["deadline"] = now + timedelta(minutes=random.choice((10, 60, 600)))
    if random.random() < 0.4:
        known |= {"callback_url": "https://agent.example/hook", "callback_key": "helpdesk"}
    return scene, ReceiveCase(**{**known, **told})


def a_message_for(random: Random, case_id: str, new_id: str, now: datetime) -> AnyCommand:
    message = a_message(f"Any news? I ask again ({random.randrange(1000)}).", at=now)
    return AddCustomerMessage(case_id=case_id, by=BY, message=message, new_case_id=new_id, signals=signals())


def a_draft_for(random: Random, case_id: str) -> AnyCommand:
    number = random.randrange(10_000)
    if random.random() < 0.2:
        draft = a_draft(f"Hello, a colleague checks entry {number} today.", author="human", author_id="")
    elif random.random() < 0.25:
        draft = a_draft(f"Hello Maria, your parcel {number} {PROMISE}.")
    else:
        draft = a_draft(f"Hello Maria, the carrier says your parcel {number} is out for delivery.")
    return SubmitDraft(case_id=case_id, by=BY, draft=draft)


def a_withdrawal(random: Random, case_id: str) -> AnyCommand:
    return Withdraw(case_id=case_id, by=BY, answered_elsewhere=random.random() < 0.5)


def an_action_result(random: Random, case: Case) -> AnyCommand:
    right = str(case.action.amount) if case.action and case.action.amount is not None else ""
    return ReportActionResult(
        case_id=case.id,
        by=BY,
        status="succeeded" if random.random() < 0.7 else "failed",
        amount=right if random.random() < 0.7 else "1",
        reference="tx-1",
    )
