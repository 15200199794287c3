"""Cases of the shipped policy, made by the machine itself, for tests that follow a case through its life."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from app.core.case import Action, Approval, Case, Submitter
from app.core.effects import Outcome
from app.core.machine import decide
from app.core.messages import AnyCommand, ReceiveCase, WriteReply
from app.core.people import People
from app.core.policy import Policy
from app.core.world import World
from app.edges.policy_files import load_policy
from tests.make import NOW, a_customer, a_draft, a_message, a_ticket, people, signals

POLICIES = Path(__file__).resolve().parents[1] / "policies"


@cache
def shipped() -> Policy:
    return load_policy(POLICIES)


SHIPPED = shipped()

SCENES: Mapping[str, dict[str, Any]] = {
    "shipping": {"signals": signals("shipping_status")},
    "discount": {
        "messages": (a_message("Could I get a discount on the yearly plan?"),),
        "signals": signals("discount"),
        "draft": a_draft("Thanks for asking. Here is how our yearly plan works."),
    },
    "refund": {
        "messages": (a_message("Please refund order 4411, it arrived broken."),),
        "signals": signals("refund_request"),
        "draft": a_draft("I am sorry that it arrived broken. We are looking into your refund."),
        "action": Action(type="refund", amount=Decimal("240"), currency="EUR"),
    },
    "refund by an agent": {
        "messages": (a_message("Please refund order 4411, it arrived broken."),),
        "signals": signals("refund_request"),
        "draft": a_draft("I am sorry that it arrived broken. We are looking into it.", author="human", author_id=""),
        "action": Action(type="refund", amount=Decimal("240"), currency="EUR"),
        "submitted_by": Submitter(slack_user="UAGENT1"),
    },
}


def a_world(now: datetime = NOW, policy: Policy = SHIPPED, **changes: Any) -> World:
    who: People = changes.pop("people", None) or people()
    return World(now=now, policy=policy, active=changes.pop("active", policy), people=who, **changes)


def receive(
    scene: str = "shipping", *, case_id: str = "c_test000001", world: World | None = None, **changes: Any
) -> Outcome:
    known: dict[str, Any] = {
        "case_id": case_id,
        "by": "api:helpdesk",
        "ticket": a_ticket(),
        "customer": a_customer(),
        "messages": (a_message(),),
        "draft": a_draft(),
    }
    return decide(None, ReceiveCase(**{**known, **SCENES[scene], **changes}), world or a_world())


def received(scene: str = "shipping", *, written_by: str = "", **changes: Any) -> Case:
    """The case as it stands in the queue; with `written_by` that person has written a safe reply (the first step)."""
    case = receive(scene, **changes).case
    if written_by:
        text = "Thank you for the photos. A colleague checks your order and writes to you today."
        case = after(case, WriteReply(case_id=case.id, user=written_by, seen=case.request_hash, text=text))
    return case


def after(case: Case, *commands: AnyCommand, world: World | None = None) -> Case:
    for command in commands:
        case = decide(case, command, world or a_world()).case
    return case


def approval_of(case: Case, user: str, role: str = "support_agent") -> Approval:
    return Approval(
        stage="review",
        user=user,
        person=people().find(user).key,
        role=role,
        kind="approve",
        request_hash=case.request_hash,
        draft_version=1,
        at=NOW,
    )
