"""What a person hands in for others to approve (SL14): no AI, and none of what the ticket tells us gets lost."""

from __future__ import annotations

from msgspec.structs import replace

from app.core.case import Case, Signals
from app.core.change import Change
from app.core.decisions import check_reply, is_ai_text
from app.core.errors import Refused
from app.core.messages import ReceiveCase


def submitter_of(command: ReceiveCase) -> str:
    """Slack user id of the person who handed it in; empty where an integration did."""
    kind, _, who = command.by.partition(":")
    return who if kind == "slack" else ""


def check_submission(change: Change, command: ReceiveCase) -> None:
    """As strict as an edit: who is there to fill in a form hears at once what a guardrail has against the text."""
    user = submitter_of(command)
    if not user:
        return
    if user not in change.world.people.persons:
        raise Refused("not_known", "Slack has not told us yet who you are. Try again in a moment.")
    if not change.world.people.find(user).may_decide:
        raise Refused("not_allowed", "Guests, bots and deactivated accounts cannot submit a reply.")
    check_reply(change, command.draft.text if command.draft else "")


def join(command: ReceiveCase, standing: Case) -> ReceiveCase:
    """A person's reply on a ticket with an open case: its form asks for less than is known of the customer.

    Without this a short form would be a way round what a VIP's or a regulated customer's case takes; and without a look
    at whose words these are, round a pause, a withheld draft, or an edit that policy asks for.
    """
    copied = command.draft is not None and is_ai_text(standing, command.draft.text)
    if not submitter_of(command):
        return replace(command, draft=replace(command.draft, author="ai")) if copied and command.draft else command
    if copied:
        raise Refused(
            "ai_text", "These are the AI's own words: decide on them in the case that is open, or write yours."
        )
    known = standing.customer
    if known.id != command.customer.id:
        sentence = "The case that is open on this ticket is another customer's: check ticket and customer id."
        raise Refused("other_customer", sentence)
    read = standing.signals
    said = {message.text.strip() for message in standing.messages}
    return replace(
        command,
        ticket=replace(standing.ticket, channel=command.ticket.channel, url=command.ticket.url or standing.ticket.url),
        customer=replace(
            known, name=known.name or command.customer.name, segment=known.segment or command.customer.segment
        ),
        messages=(*standing.messages, *(m for m in command.messages if m.text.strip() not in said)),
        # what it was taken for still counts, and what the person copied into the form can only raise that
        signals=Signals(
            intent=read.intent or command.signals.intent,
            sentiment=read.sentiment or command.signals.sentiment,
            language=read.language or command.signals.language,
        ),
        second_opinion=command.signals,
        context=command.context or standing.context,
        sentiment_falling=command.sentiment_falling or standing.history.sentiment_falling,
        repeated_intent=command.repeated_intent or standing.history.repeated_intent,
    )
