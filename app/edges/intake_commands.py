"""From what a caller sent to a command. Pure; what is believed depends on the scopes of the key (IN7)."""

from __future__ import annotations

from app.core.case import Action, Attachment, Customer, Draft, Fact, Message, Signal, Signals, Source, Submitter, Ticket
from app.core.messages import AddCustomerMessage, ReceiveCase, ReportActionResult, SubmitDraft, Withdraw
from app.edges.intake_models import (
    ActionIn,
    ActionResult,
    CustomerIn,
    DraftIn,
    IntentIn,
    LanguageIn,
    MessageIn,
    NewCase,
    NewMessage,
    SentimentIn,
    SignalsIn,
    Withdrawal,
)
from app.edges.keys import ApiKey


def receive_case(given: NewCase, case_id: str, key: ApiKey) -> ReceiveCase:
    ticket = given.ticket
    sender = given.submitted_by
    return ReceiveCase(
        case_id=case_id,
        by=key.actor,
        ticket=Ticket(
            id=ticket.id, url=ticket.url or "", channel=ticket.channel or "email", subject=ticket.subject or ""
        ),
        customer=_customer(given.customer),
        messages=tuple(_message(m) for m in given.messages),
        draft=_draft(given.draft) if given.draft else None,
        signals=_signals(given.signals),
        action=_action(given.requested_action, key) if given.requested_action else None,
        context=tuple(Fact(label=f.label, value=f.value) for f in given.context or ()),
        submitted_by=Submitter(slack_user=sender.slack_user or "", email=sender.email or "", agent=sender.agent or "")
        if sender
        else None,
        cc=tuple(given.cc or ()),
        callback_url=given.callback_url or "",
        callback_key=key.name,
        deadline=given.deadline,
        metadata=dict(given.metadata or {}),
    )


def add_message(given: NewMessage, case_id: str, new_case_id: str, key: ApiKey) -> AddCustomerMessage:
    return AddCustomerMessage(
        case_id=case_id,
        by=key.actor,
        message=_message(given),
        new_case_id=new_case_id,
        signals=_signals(given.signals),
    )


def submit_draft(given: DraftIn, case_id: str, key: ApiKey) -> SubmitDraft:
    return SubmitDraft(case_id=case_id, by=key.actor, draft=_draft(given))


def withdraw(given: Withdrawal, case_id: str, key: ApiKey) -> Withdraw:
    return Withdraw(case_id=case_id, by=key.actor, reason=(given.reason or "").strip())


def report_result(given: ActionResult, case_id: str, key: ApiKey) -> ReportActionResult:
    return ReportActionResult(
        case_id=case_id,
        by=key.actor,
        status=given.status,
        amount=given.amount.written if given.amount else "",
        reference=given.reference or "",
    )


def _customer(given: CustomerIn) -> Customer:
    return Customer(
        id=given.id,
        name=given.name or "",
        email=given.email or "",
        segment=given.segment or "",
        contract_value=given.contract_value,
        currency=given.currency or "",
        regulated=bool(given.regulated),
        industry=given.industry or "",
        vip=bool(given.vip),
        privileged_roles=tuple(given.privileged_roles or ()),
        active_escalation=bool(given.active_escalation),
        timezone=given.timezone or "",
        crm_ticket_id=given.crm_ticket_id or "",
        account_url=given.account_url or "",
    )


def _message(given: MessageIn | NewMessage) -> Message:
    attachments = (
        Attachment(name=a.name, type=a.type or "", size=a.size or 0, url=a.url or "") for a in given.attachments or ()
    )
    return Message(author=given.author or "customer", text=given.text, at=given.at, attachments=tuple(attachments))


def _draft(given: DraftIn) -> Draft:
    """Version 0: the case numbers its drafts itself."""
    return Draft(
        version=0,
        author=given.author or "ai",
        text=given.text,
        confidence=given.confidence,
        reasoning=given.reasoning or "",
        sources=tuple(Source(title=s.title, url=s.url or "") for s in given.sources or ()),
        model_name=given.model_name or "",
        prompt_template_version=given.prompt_template_version or "",
        ai_trace_id=given.ai_trace_id or "",
        suggested_macros=tuple(given.suggested_macros or ()),
        next_questions=tuple(given.next_questions or ()),
        internal_note=given.internal_note or "",
        summary=given.summary or "",
    )


def _signals(given: SignalsIn | None) -> Signals:
    if given is None:
        return Signals()
    return Signals(intent=_signal(given.intent), sentiment=_signal(given.sentiment), language=_signal(given.language))


def _signal(given: IntentIn | SentimentIn | LanguageIn | None) -> Signal | None:
    return Signal(label=given.label, confidence=given.confidence, source="caller") if given else None


def _action(given: ActionIn, key: ApiKey) -> Action:
    return Action(
        type=given.type,
        amount=given.amount.value if given.amount else None,
        amount_text=given.amount.text if given.amount else "",
        currency=given.currency or "",
        irreversible=bool(given.irreversible),
        transaction_verified=bool(given.transaction_verified) and "assert_transaction" in key.scopes,
        scope=given.scope or "single",
    )
