"""What several messages say together: a mood that falls, a question asked again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby, pairwise

from app.core.case import Message, Signal, Signals
from app.core.understanding.document import OUT_OF_SCOPE

Read = Callable[[str, str], Signals]  # a text and the turn before it → its signals
FALLING_OVER = 3
MOST_READ = 6  # customer messages, the newest
_LEAST_STEP, _LEAST_FALL = 0.01, 0.4
_LEAST_SURE = 0.5
# Two names of one question: where is it?
_ALIKE = {"order_status": "shipping_status"}


def history_facts(messages: Sequence[Message], read: Read) -> dict[str, bool]:
    """The facts of `history` in policy conditions that the conversation itself tells (RI6).

    `read` is `Understanding.read` or the like; of a long conversation it sees the end only.
    """
    recent = _recent(messages)
    return {"sentiment_falling": sentiment_falling(recent, read), "repeated_intent": repeated_intent(recent, read)}


def sentiment_falling(messages: Sequence[Message], read: Read) -> bool:
    """The last three customer messages, each unhappier than the one before, and the last one unhappy."""
    said: list[tuple[str, str]] = []
    previous = ""
    for message in messages:
        if message.author == "customer":
            said.append((message.text, previous))
        elif message.author != "system":
            previous = message.text
    if len(said) < FALLING_OVER:
        return False
    moods = [_mood(read(*turn).sentiment) for turn in said[-FALLING_OVER:]]
    known = [mood for mood in moods if mood is not None]
    return (
        len(known) == FALLING_OVER
        and all(before - after >= _LEAST_STEP for before, after in pairwise(known))
        and known[0] - known[-1] >= _LEAST_FALL
        and known[-1] < 0
    )


def repeated_intent(messages: Sequence[Message], read: Read) -> bool:
    """The customer's last two turns want the same, and somebody replied between them.

    Messages that the customer wrote in a row are one turn. What is out of scope or unsure never counts as the same, nor
    does the answer to a question of ours: turns are read without what they answer.
    """
    said = [message for message in messages if message.author != "system"]
    turns = [
        "\n".join(message.text for message in turn)
        for customer, turn in groupby(said, key=lambda message: message.author == "customer")
        if customer
    ]
    if len(turns) < 2:
        return False
    before, now = (read(turn, "").intent for turn in turns[-2:])
    if before is None or now is None:
        return False
    wishes = {_ALIKE.get(intent.label, intent.label) for intent in (before, now)}
    return len(wishes) == 1 and OUT_OF_SCOPE not in wishes and min(before.confidence, now.confidence) >= _LEAST_SURE


def _recent(messages: Sequence[Message]) -> Sequence[Message]:
    """From the sixth last customer message on."""
    places = [index for index, message in enumerate(messages) if message.author == "customer"][-MOST_READ:]
    return messages[places[0] :] if places else ()


def _mood(sentiment: Signal | None) -> float | None:
    """From -1 (unhappy) to 1; None where nobody can tell."""
    if sentiment is None or sentiment.confidence < _LEAST_SURE:
        return None
    return {"positive": 1.0, "neutral": 0.0, "negative": -1.0}.get(sentiment.label, 0.0) * sentiment.confidence
