"""Ready-made values for tests: realistic, valid, and each field can be changed by name.

All times hang on `NOW`. A bare `a_case()` is low tier, one stage, pending in #support-review, packet posted;
`a_high_case()` is a refund that needs two people. Roles, groups and channels are those of a fresh install.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from app.core.assessment import Assessment, Reason, Route, Rung, Stage
from app.core.case import (
    Action,
    Approval,
    Case,
    Customer,
    Draft,
    Message,
    Packet,
    Signal,
    Signals,
    Submitter,
    Ticket,
    Timer,
)
from app.core.effects import AnyEffect, Event, HelpdeskReply, Outcome, Pending, destination_of
from app.core.people import People, Person

NOW = datetime(2026, 3, 2, 9, 0, 0, tzinfo=UTC)  # a Monday
SNAPSHOT = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"

# role -> (Slack user group, channel)
DEFAULT_ROLES: dict[str, tuple[str, str]] = {
    "support_agent": ("support-agents", "support-review"),
    "support_lead": ("support-leads", "support-escalations"),
    "specialist": ("support-specialists", "specialist-review"),
    "billing_approver": ("billing-approvers", "billing-approvals"),
    "legal_approver": ("legal-approvers", "legal-approvals"),
    "security_responder": ("security-responders", "security-approvals"),
    "vip_manager": ("vip-managers", "vip-approvals"),
    "compliance_approver": ("compliance-approvers", "compliance-approvals"),
    "senior_engineer": ("senior-engineers", "engineering-escalations"),
    "executive_approver": ("executive-approvers", "executive-approvals"),
    "support_ops_owner": ("support-ops-owners", "policy-changes"),
    "policy_owner": ("policy-owners", "policy-changes"),
    "crm_owner": ("crm-owners", "policy-changes"),
    "automation_owner": ("automation-owners", "policy-changes"),
}

# Two people in each role that decides, so that two-step cases can end; UAGENT1 and UAGENT1B are one person.
_MEMBERS: dict[str, tuple[str, ...]] = {
    "support_agent": ("UAGENT1", "UAGENT2", "UAGENT3"),
    "support_lead": ("ULEAD1", "ULEAD2"),
    "specialist": ("USPEC1", "USPEC2"),
    "billing_approver": ("UBILL1", "UBILL2"),
    "legal_approver": ("ULEGAL1", "ULEGAL2"),
    "security_responder": ("USEC1", "USEC2"),
    "vip_manager": ("UVIP1", "UVIP2"),
    "compliance_approver": ("UCOMP1", "UCOMP2"),
    "senior_engineer": ("UENG1", "UENG2"),
    "executive_approver": ("UEXEC1",),
    "support_ops_owner": ("UOPS1",),
    "policy_owner": ("UPOL1",),
    "crm_owner": ("UCRM1",),
    "automation_owner": ("UAUTO1",),
}

_NAMES: dict[str, str] = {
    "UAGENT1": "Ana Ruiz",
    "UAGENT2": "Ben Okafor",
    "UAGENT3": "Chloé Martin",
    "ULEAD1": "Dana Weiss",
    "ULEAD2": "Emil Novák",
    "USPEC1": "Farah Aziz",
    "USPEC2": "Goran Ilić",
    "UBILL1": "Hana Sato",
    "UBILL2": "Ivo Brandt",
    "ULEGAL1": "Jia Chen",
    "ULEGAL2": "Karim Haddad",
    "USEC1": "Lena Vogel",
    "USEC2": "Mateo Silva",
    "UVIP1": "Nora Lind",
    "UVIP2": "Omar Farouk",
    "UCOMP1": "Priya Nair",
    "UCOMP2": "Quinn Doyle",
    "UENG1": "Rosa Conti",
    "UENG2": "Sven Berg",
    "UEXEC1": "Tara Singh",
    "UOPS1": "Uma Patel",
    "UPOL1": "Viktor Hahn",
    "UCRM1": "Wen Li",
    "UAUTO1": "Yara Costa",
}


def a_person(user_id: str = "UAGENT1", **changes: Any) -> Person:
    name = _NAMES.get(user_id, f"Person {user_id}")
    known = {"name": name, "email": f"{user_id.casefold()}@countersign.example"}
    return Person(user_id=user_id, **{**known, **changes})


def people(roles: Mapping[str, tuple[str, ...]] | None = None, *more: Person) -> People:
    """The directory of a fresh install; `roles` replaces the members of some roles, `more` adds persons."""
    members = {**_MEMBERS, **(roles or {})}
    ids = {*_NAMES, *(u for users in members.values() for u in users)}
    persons = {u: a_person(u) for u in sorted(ids)}
    persons["UAGENT1B"] = a_person("UAGENT1B", name="Ana Ruiz (phone)", email=persons["UAGENT1"].email.upper())
    persons["UBOT"] = a_person("UBOT", name="Countersign", email="", is_bot=True)
    persons["UGUEST"] = a_person("UGUEST", name="Zoe Guest", is_guest=True)
    persons.update({p.user_id: p for p in more})
    return People(
        persons=persons,
        roles={role: frozenset(users) for role, users in members.items()},
        channels={channel: channel_id(channel) for _, channel in DEFAULT_ROLES.values()},
        groups={role: f"S{role.upper().replace('_', '')[:10]}" for role in DEFAULT_ROLES},
    )


def channel_id(channel: str) -> str:
    return "C" + channel.upper().replace("-", "")


def a_customer(**changes: Any) -> Customer:
    known: dict[str, Any] = {
        "id": "cust-881",
        "name": "Acme Tools",
        "email": "maria@acme.example",
        "segment": "standard",
        "contract_value": Decimal("12000"),
        "currency": "EUR",
        "industry": "retail",
        "timezone": "Europe/Berlin",
        "crm_ticket_id": "90211",
        "account_url": "https://crm.example/accounts/881",
    }
    return Customer(**{**known, **changes})


def a_ticket(**changes: Any) -> Ticket:
    known: dict[str, Any] = {
        "id": "48213",
        "url": "https://helpdesk.example/tickets/48213",
        "channel": "email",
        "subject": "Where is my parcel?",
    }
    return Ticket(**{**known, **changes})


def a_message(text: str = "Hello, my parcel was due on Friday. Where is it?", **changes: Any) -> Message:
    return Message(**{"author": "customer", "text": text, "at": NOW - timedelta(minutes=4), **changes})


def a_draft(
    text: str = "Hello Maria, your parcel left our warehouse today and should be with you tomorrow.",
    **changes: Any,
) -> Draft:
    """Version 1, written by the AI. Pass `author="human", author_id=…` for a person's text."""
    known: dict[str, Any] = {
        "version": 1,
        "author": "ai",
        "text": text,
        "confidence": 0.91,
        "model_name": "support-writer-2",
        "prompt_template_version": "shipping-7",
        "ai_trace_id": "trace-5d2c",
        "summary": "The customer asks where a late parcel is.",
    }
    if changes.get("author") == "human":
        known = {"version": 1, "text": text, "author_id": "UAGENT2"}
    return Draft(**{**known, **changes})


def signals(intent: str = "shipping_status", sentiment: str = "neutral", **confidences: float) -> Signals:
    """`signals("refund_request", "negative", sentiment_confidence=0.93)`."""
    return Signals(
        intent=Signal(label=intent, confidence=confidences.get("intent_confidence", 0.93)),
        sentiment=Signal(label=sentiment, confidence=confidences.get("sentiment_confidence", 0.82)),
        language=Signal(label="en", confidence=confidences.get("language_confidence", 0.99)),
    )


STANDARD_RUNGS = (
    Rung(id="remind", after=7_200, do="remind"),
    Rung(id="supervisor", after=14_400, do="escalate", role="support_lead"),
)
URGENT_RUNGS = (
    Rung(id="backup", after=900, do="escalate", role="specialist", direct_message=True),
    Rung(id="manager", after=1_800, do="escalate", role="support_lead", direct_message=True),
)
CHECKLIST = ("Policy link checked", "No commitments made", "Right customer identity context")


def an_assessment(**changes: Any) -> Assessment:
    """Low tier, high band, one agent reviews."""
    known: dict[str, Any] = {
        "tier": "low",
        "band": "high",
        "ai_mode": "draft_reply",
        "required": "approve",
        "reasons": (
            Reason(
                rule_id="tier.low.shipping",
                text="Shipping status is safe to answer from the order page",
                facts={"intent": "shipping_status"},
                guidance="Check the carrier page before you approve.",
                link="https://kb.example/shipping",
            ),
        ),
        "route": Route(role="support_agent", channel="support-review"),
        "stages": (Stage(id="review", roles=("support_agent",), label="Agent review"),),
        "rungs": STANDARD_RUNGS,
        "send_delay": 5.0,
        "holding_allowed": True,
    }
    return Assessment(**{**known, **changes})


def a_high_assessment(**changes: Any) -> Assessment:
    """A refund: summary only, an agent or a billing approver first, then another billing approver."""
    known: dict[str, Any] = {
        "tier": "high",
        "band": "high",
        "ai_mode": "summarize_only",
        "required": "sign_off",
        "reasons": (
            Reason(
                rule_id="tier.high.refund",
                text="Refunds are decided by billing",
                facts={"intent": "refund_request", "action.amount": "240"},
                link="https://kb.example/refunds",
            ),
        ),
        "route": Route(role="billing_approver", channel="billing-approvals"),
        "also": (Route(role="support_agent", channel="support-review"),),
        "stages": (
            Stage(id="review", roles=("support_agent", "billing_approver"), label="First review"),
            Stage(id="signoff", roles=("billing_approver",), label="Billing sign-off"),
        ),
        "confirm": True,
        "ladder": "urgent",
        "rungs": URGENT_RUNGS,
        "send_delay": 0.0,
        "holding_allowed": True,
        "escalation_reason": "refund",
        "escalation_trigger": "rule",
    }
    return Assessment(**{**known, **changes})


def a_packet(**changes: Any) -> Packet:
    """Posted, in #support-review. `channel_id` follows `channel` unless given."""
    known: dict[str, Any] = {
        "key": "p1",
        "kind": "packet",
        "role": "support_agent",
        "channel": "support-review",
        "ts": "1772442000.000100",
        "shown": "d1",
    }
    merged = {**known, **changes}
    merged.setdefault("channel_id", channel_id(merged["channel"]))
    return Packet(**merged)


def ladder_of(assessment: Assessment, start: datetime = NOW) -> tuple[Timer, ...]:
    """The timers of an assessed case: its rungs, then the expiry."""
    rungs = tuple(
        Timer(key=f"rung:{r.id}", kind="rung", due_at=start + timedelta(seconds=r.after)) for r in assessment.rungs
    )
    expiry = Timer(key="expire", kind="expire", due_at=start + timedelta(seconds=assessment.expire_after))
    return (*rungs, expiry)


def a_case(**changes: Any) -> Case:
    """Pending, low tier, AI draft, packet posted. Timers follow `assessment` and `created_at`."""
    assessment = changes.get("assessment", an_assessment())
    created = changes.get("created_at", NOW)
    known: dict[str, Any] = {
        "id": "cs_4f9a1c02d7",
        "version": 1,
        "state": "pending",
        "ticket": a_ticket(),
        "customer": a_customer(),
        "messages": (a_message(at=created - timedelta(minutes=4)),),
        "drafts": (a_draft(),),
        "signals": signals(),
        "submitted_by": Submitter(agent="support-ai"),
        "created_at": created,
        "opened_at": created,
        "policy_snapshot": SNAPSHOT,
        "assessment": assessment,
        "packets": (a_packet(),),
        "timers": ladder_of(assessment, created) if assessment else (),
        "deliveries": 1,
    }
    return Case(**{**known, **changes})


def a_high_case(**changes: Any) -> Case:
    """A refund of 240 EUR written by a person, in #billing-approvals with a Write-reply packet beside it."""
    known: dict[str, Any] = {
        "id": "cs_8c11e07b3a",
        "ticket": a_ticket(id="48377", url="https://helpdesk.example/tickets/48377", subject="Refund please"),
        "messages": (a_message("I was charged twice. Please refund 240 EUR."),),
        "drafts": (
            a_draft(
                "Hello Maria, we are looking at the second charge and will come back to you today.",
                author="human",
                author_id="UAGENT1",
            ),
        ),
        "signals": signals("refund_request", "negative"),
        "action": Action(type="refund", amount=Decimal("240"), currency="EUR", irreversible=True),
        "assessment": a_high_assessment(),
        "packets": (
            a_packet(key="p1", role="billing_approver", channel="billing-approvals", ts="1772442001.000100"),
            a_packet(key="p2", kind="write_reply", ts="1772442001.000200"),
        ),
        "deliveries": 2,
    }
    return a_case(**{**known, **changes})


def an_approval(case: Case, user: str = "UAGENT2", **changes: Any) -> Approval:
    """Of the case's current request hash, at its current stage."""
    stage, draft = case.current_stage, case.draft
    known: dict[str, Any] = {
        "stage": stage.id if stage else "review",
        "user": user,
        "person": a_person(user).key,
        "role": stage.roles[0] if stage else "support_agent",
        "kind": "approve",
        "request_hash": case.request_hash,
        "draft_version": draft.version if draft else 0,
        "at": NOW,
    }
    return Approval(**{**known, **changes})


def an_event(type: str = "CaseReceived", **changes: Any) -> Event:
    return Event(**{"type": type, "actor": "api:zendesk-agent", "data": {"ticket": "48213"}, **changes})


def a_reply(case: Case, **changes: Any) -> HelpdeskReply:
    draft = case.draft
    known = {"text": draft.text if draft else "Hello", "kind": "reply", "request_hash": case.request_hash}
    return HelpdeskReply(**{**known, **changes})


def a_delivery(case: Case, number: int, effect: AnyEffect, **changes: Any) -> Pending:
    """Delivery `number` of the case, in the lane of its kind."""
    destination = destination_of(effect)
    root = getattr(effect, "packet", "")
    lane = {"slack": f"{case.id}:{root}", "callback": f"{case.id}:callback"}.get(destination, f"{case.id}:out")
    known: dict[str, Any] = {
        "id": f"{case.id}-{number}",
        "number": number,
        "lane": lane if root or destination != "slack" else f"{case.id}-{number}",
        "destination": destination,
        "priority": ("high", "medium", "low").index(case.assessment.tier if case.assessment else "high"),
        "effect": effect,
    }
    return Pending(**{**known, **changes})


def an_outcome(case: Case, *effects: AnyEffect, events: tuple[Event, ...] = (), **changes: Any) -> Outcome:
    """The case one version later with `changes`, its effects numbered on; one event unless some are given."""
    after = replace(case, **{"version": case.version + 1, "deliveries": case.deliveries + len(effects), **changes})
    pending = tuple(a_delivery(after, case.deliveries + n, e) for n, e in enumerate(effects, start=1))
    return Outcome(case=after, events=events or (an_event(),), effects=pending)
