"""Who a dynamic role is, asked of whoever knows: Slack's profiles, a file, or a service of your own (DE6)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from app.core.case import Case
from app.core.people import People
from app.core.policy.rolesfile import Resolver as Kind
from app.core.stages import submitter_account

MOST_USERS = 50


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer may hang on. `at` is the moment that counts; what the case does not say is empty."""

    at: datetime
    initiator_user: str = ""
    initiator_email: str = ""
    customer_id: str = ""
    account_url: str = ""
    ticket_id: str = ""


class Resolver(Protocol):
    """Asking again changes nothing anywhere."""

    @property
    def name(self) -> str:
        """Where the answers come from: for the audit log."""

    @property
    def kinds(self) -> frozenset[Kind]:
        """What it can be asked."""

    def resolve(self, kind: Kind, question: Question) -> tuple[str, ...]:
        """Slack user ids or e-mails, none where it knows nobody. Raises RetryLater or GiveUp."""


def question_of(case: Case, people: People, at: datetime) -> Question:
    submitted = case.submitted_by
    account = submitter_account(case, people)
    return Question(
        at=at,
        initiator_user=account,
        initiator_email=(submitted.email if submitted else "") or (people.find(account).email if account else ""),
        customer_id=case.customer.id,
        account_url=case.customer.account_url,
        ticket_id=case.ticket.id,
    )


def resolver_for(kind: Kind, resolvers: Sequence[Resolver]) -> Resolver | None:
    """The first that knows this kind."""
    return next((resolver for resolver in resolvers if kind in resolver.kinds), None)


def unanswerable(kind: Kind, question: Question, resolver: Resolver | None) -> str:
    """Why there is no use in asking; empty where there is."""
    if resolver is None:
        return f"Nothing is set up that knows {kind}: see COUNTERSIGN_RESOLVER."
    if kind == "manager_of_initiator" and not (question.initiator_user or question.initiator_email):
        return "The case names no person who submitted it, so nobody is their manager."
    return ""
