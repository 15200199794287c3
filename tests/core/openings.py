"""Where a history may begin: people, policies and cases with something to trip over in each."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from msgspec.structs import replace

from app.core.case import Action, Submitter
from app.core.policy import Policy, compile_policy
from tests.core.policies import with_risk
from tests.make import NOW, a_customer, a_draft, a_message, a_person, a_ticket, people, signals
from tests.scenes import SCENES, SHIPPED

TEXTS = (
    "Thank you for asking. A colleague looks at your order today.",
    "Thank you for your patience. We write to you again tomorrow.",
    a_draft().text,
    SCENES["refund"]["draft"].text,
    "We have issued a refund of 240 EUR to your card.",  # a commitment: blocked until verified
    "You will win your lawsuit against them, legally speaking, guaranteed.",
    "  ",
)
ROLES = ("support_agent", "support_lead", "billing_approver", "executive_approver", "compliance_approver")
PEOPLE = people(
    {role: (*people().roles[role], "UMANY", *(["UAGENT1B"] if "_l" in role else [])) for role in ROLES},
    a_person("UMANY", name="Mo Many"),
    a_person("UGONE", deleted=True),
)
DIRECTORY = replace(PEOPLE, roles={**PEOPLE.roles, "support_agent": PEOPLE.roles["support_agent"] | {"UGONE", "UBOT"}})
IDENTITIES = {user: person.key for user, person in DIRECTORY.persons.items()} | {"UNOBODY": "nobody"}
USERS = (
    "UMANY",
    "UAGENT1",
    "UAGENT1B",
    "UAGENT2",
    "ULEAD1",
    "UBILL1",
    "UEXEC1",
    "UCOMP1",
    "USEC1",
    "USPEC1",
    "ULEGAL1",
)
STRANGERS = ("UGUEST", "UBOT", "UGONE", "UNOBODY", "UCRM1")

EACH = {"id": "both", "label": "Both", "each": ["support_agent", "support_lead"]}
QUORUM = {"id": "two", "label": "Two of them", "quorum": 2, "of": ["support_agent", "support_lead", "$route"]}
LAST = {"id": "last", "label": "Executive", "any_of": ["executive_approver"]}
FIRST = {"id": "first", "label": "First", "any_of": ["support_agent", "$route"]}
CHANGES: dict[str, dict[str, Any]] = {
    "no baseline": {"baseline_mode": False},
    "each": {"stages": [EACH]},
    "each last": {"stages": [FIRST, {**EACH, "each": ["support_lead", "$route", "executive_approver"]}]},
    "quorum": {"stages": [QUORUM, LAST], "baseline_mode": False},
    "quorum last": {"stages": [FIRST, QUORUM]},
    "owner last": {"stages": [FIRST, {"id": "owner", "label": "Owner", "any_of": ["account_owner"]}]},
    "owner first": {"stages": [{"id": "owner", "label": "Owner", "any_of": ["account_owner"]}, FIRST]},
}

CONFIDENT = a_draft(confidence=0.99)
REFUND = SCENES["refund"]
OPENINGS: dict[str, dict[str, Any]] = {
    **SCENES,
    "confident": {"draft": CONFIDENT, "signals": signals("shipping_status")},
    "notify": {"draft": CONFIDENT, "signals": signals("shipping_status"), "action": Action(type="ticket_update")},
    "nothing drafted": {"draft": None, "signals": signals("shipping_status")},
    "empty draft": {"draft": a_draft(" "), "signals": signals("shipping_status")},
    "unsure": {"signals": signals("shipping_status", intent_confidence=0.3)},
    "no going back": {
        **SCENES["refund by an agent"],
        "action": Action(type="refund", amount=Decimal("240.50"), currency="EUR", irreversible=True),
        "submitted_by": Submitter(email="UMANY@countersign.example"),
    },
    "own refund": {
        **REFUND,
        "action": Action(type="refund", currency="EUR"),
        "submitted_by": Submitter(slack_user="UAGENT1B"),
    },
    "export": {
        "signals": signals("data_export"),
        "draft": a_draft(TEXTS[0], author="human", author_id=""),
        "action": Action(type="data_export", scope="bulk"),
    },
    "enterprise": {
        "signals": signals("order_change"),
        "customer": a_customer(segment="enterprise"),
        "draft": a_draft(TEXTS[0]),
        "action": Action(type="order_change", amount=Decimal("20000"), currency="EUR"),
    },
    "by phone": {"ticket": a_ticket(channel="phone")},
    "late already": {"deadline": NOW - timedelta(minutes=5)},
    "due soon": {"deadline": NOW + timedelta(hours=1), "signals": signals("discount")},
    "a colleague's": {
        "draft": a_draft(TEXTS[1], author="human", author_id="ULEAD1"),
        "submitted_by": Submitter(slack_user="ULEAD1"),
    },
}
BARE: dict[str, Any] = {
    "signals": signals(),
    "ticket": a_ticket(),
    "customer": a_customer(),
    "messages": (a_message(),),
    "draft": a_draft(),
    "callback_url": "https://agent.example/hook",
    "cc": ("UCRM1", "uops1@countersign.example", "nobody@elsewhere.example"),
}


# Looked up for each case; in Slack nobody holds it.
OWNER = {
    "title": "Account owner",
    "channel": "vip-approvals",
    "kind": "lead",
    "resolver": "account_owner",
    "domains": ["support", "billing"],
    "backup": "specialist",
}
NAMED = ((), ("UMANY",), ("UVIP1",), ("UAGENT1B", "UVIP1"), ("UGONE",), ("uvip1@countersign.example", "UNOBODY"))


@cache
def policy_of(variant: str) -> Policy:
    if variant == "shipped":
        return SHIPPED
    documents = with_risk(**CHANGES[variant])
    roles = {**documents.roles["roles"], "account_owner": OWNER}
    return compile_policy(replace(documents, roles={**documents.roles, "roles": roles}))
