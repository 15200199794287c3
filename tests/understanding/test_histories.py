"""Whole conversations through the shipped classifier and the shipped policy: when a case is going wrong (RI6)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from app.core.assessment import Assessment
from app.core.case import Action, Case, Message, Signals
from app.core.policy import assess
from app.core.understanding import OUT_OF_SCOPE, history_facts
from tests.core.policies import shipped as shipped_policy
from tests.make import NOW, a_case, a_draft
from tests.understanding.shipped import shipped

REPLY = "We are looking into it and will come back to you."


def conversation(*texts: str, reply: str = REPLY) -> tuple[Message, ...]:
    """What the customer wrote, with a reply of ours after each but the last."""
    turns = [
        turn for text in texts for turn in (Message(author="customer", text=text), Message(author="ai", text=reply))
    ]
    return tuple(turns[:-1])


def incoming(messages: Sequence[Message], **changes: Any) -> Case:
    """As intake leaves it: signals of the newest message, nothing assessed yet."""
    newest = messages[-1].text if messages else ""
    draft = a_draft("Thanks for writing. Here is what we know.", confidence=0.97)
    known = {"assessment": None, "messages": tuple(messages), "signals": shipped().read(newest), "drafts": (draft,)}
    return a_case(**{**known, **changes})


def assessed(case: Case, **known: float) -> Assessment:
    """With what the conversation tells, and what the store knows."""
    return assess(case, shipped_policy(), {**history_facts(case.messages, shipped().read), **known}, NOW)


def rules(result: Assessment) -> set[str]:
    return {reason.rule_id for reason in result.reasons}


FALLING = [
    (
        "Hello, could you tell me when my parcel will arrive?",
        "Still no parcel. This is disappointing.",
        "This is ridiculous! I am furious, worst service ever, you are useless.",
    ),
    (
        "Thanks for the quick help so far, I am really happy with the shop.",
        "I am getting annoyed, the app still crashes.",
        "It is still broken and I am really upset.",
    ),
    (
        "Hi, my invoice shows the wrong company name.",
        "The new invoice is wrong too, I am quite frustrated.",
        "Terrible. You clearly do not care, I am sick of this nonsense.",
    ),
    (
        "How do I reset my password?",
        "The reset link does not work, that is annoying.",
        "I hate this, it is an awful, horrible experience!",
    ),
    (
        "What a mess, I was furious this morning.",
        "Good morning, I have a question about the warranty.",
        "That answer was not helpful.",
        "What a disgrace, you lie to customers and I am extremely angry.",
    ),
]
STEADY = [
    ("Hello, could you tell me when my parcel will arrive?", "This is ridiculous, I am furious, you are useless."),
    (
        "This is ridiculous! I am furious, worst service ever.",
        "Thank you, that is a bit better.",
        "Great, it works now, thanks a lot for the help!",
    ),
    ("How do I reset my password?", "And where is the link?", "Found it. Where do I enter the code?"),
    (
        "I am furious, this is the worst service ever!",
        "OK, the parcel came.",
        "But the box is damaged, I am a little disappointed.",
    ),
    (
        "Guten Tag, wo ist mein Paket?",
        "Das ist ärgerlich, es ist immer noch nicht da.",
        "Ich bin wütend, so eine Frechheit!",
    ),
]


@pytest.mark.parametrize("texts", FALLING)
def test_a_falling_mood_takes_the_pen_from_the_ai_and_asks_a_lead(texts: tuple[str, ...]) -> None:
    case = incoming(conversation(*texts))
    result = assessed(case)
    assert "sentiment_falling" in rules(result)
    assert (result.ai_mode, result.required) == ("summarize_only", "write")
    assert result.route.role == "support_lead"
    assert result.escalation_trigger is not None
    calm = assess(case, shipped_policy(), {}, NOW)
    assert "sentiment_falling" not in rules(calm)


@pytest.mark.parametrize("texts", STEADY)
def test_a_mood_that_does_not_fall_is_left_alone(texts: tuple[str, ...]) -> None:
    assert "sentiment_falling" not in rules(assessed(incoming(conversation(*texts))))


LEAD, BILLING = ("support_lead", "rule"), ("billing_approver", "guidance")
# Where the topic has a queue of higher precedence, that queue keeps the case, and the classifier is what sent it there.
LOOPS = [
    (("I want my money back for the chair", "Please refund me for the chair!"), BILLING),
    (("Where is my order?", "I still do not have my order, where is it?"), LEAD),
    (("Cancel my subscription please", "I asked you to cancel my subscription"), BILLING),
    (("I forgot my password", "I still cannot log in, please reset my password"), LEAD),
    (("What are your opening hours?", "Do you open on Sunday?", "I asked: are you open on Sunday?"), LEAD),
]
PROGRESS = [
    ("I want my money back for the chair", "I forgot my password"),
    ("Where is my order?", "It came, thanks. How do I reset my password?"),
    ("thanks", "thank you"),
    ("Cancel my subscription please", "yes please"),
    ("I forgot my password", "What are your opening hours?", "I forgot my password"),
]


@pytest.mark.parametrize(("texts", "escalated"), LOOPS)
def test_the_same_question_after_our_reply_is_escalated(texts: tuple[str, ...], escalated: tuple[str, str]) -> None:
    result = assessed(incoming(conversation(*texts)))
    assert "loop_repeated" in rules(result)
    assert (result.route.role, result.escalation_trigger) == escalated


@pytest.mark.parametrize("texts", PROGRESS)
def test_another_question_or_a_yes_to_ours_is_no_loop(texts: tuple[str, ...]) -> None:
    messages = conversation(*texts, reply="Shall I cancel your subscription?")
    assert "loop_repeated" not in rules(assessed(incoming(messages)))


def test_without_a_reply_between_a_repeat_is_only_impatience() -> None:
    said = (Message(author="customer", text="Where is my order?"), Message(author="system", text="Assigned to Ana."))
    assert "loop_repeated" not in rules(assessed(incoming((*said, *said[:1]))))


QUIET = "What are your opening hours?"
HOME = Action(type="order_change", amount=Decimal("10"), currency="EUR")


@pytest.mark.parametrize(
    ("text", "action", "unresolved"),
    [
        (QUIET, None, 2),
        ("I forgot my password", None, 3),
        ("Where is my order?", None, 9),
        (QUIET, replace(HOME, amount=Decimal("5000")), 0),
        ("Please add a lamp to my order", replace(HOME, amount=Decimal("12000")), 2),
    ],
)
def test_an_escalation_is_foreseen(text: str, action: Action | None, unresolved: int) -> None:
    result = assessed(incoming(conversation(text), action=action), unresolved_7d=unresolved, contacts_7d=unresolved)
    assert rules(result) & {"many_contacts", "large_amount"}
    assert result.route.role == "support_lead"
    assert result.escalation_trigger == "guidance"
    assert result.required != "auto"


@pytest.mark.parametrize(
    ("text", "action", "unresolved", "contacts"),
    [
        (QUIET, None, 0, 0),
        (QUIET, None, 1, 1),
        ("I forgot my password", None, 1, 9),
        (QUIET, replace(HOME, amount=Decimal("4999.99")), 0, 0),
        (QUIET, HOME, 1, 4),
    ],
)
def test_a_few_contacts_and_small_sums_foretell_nothing(
    text: str, action: Action | None, unresolved: int, contacts: int
) -> None:
    case = incoming(conversation(text), action=action)
    result = assessed(case, unresolved_7d=unresolved, contacts_7d=contacts)
    assert not rules(result) & {"many_contacts", "large_amount"}
    assert result.route.role != "support_lead"


def test_a_long_conversation_is_read_at_its_end_only() -> None:
    read: list[str] = []

    def reader(text: str, previous: str) -> Signals:
        read.append(text)
        return Signals()

    facts = history_facts(incoming(conversation(*(f"message {i}" for i in range(200)))).messages, reader)
    assert facts == {"sentiment_falling": False, "repeated_intent": False}
    said = {line for text in read for line in text.split("\n")}
    assert said <= {f"message {i}" for i in range(194, 200)}
    assert "message 199" in said


def test_a_sure_out_of_scope_is_no_wish_to_repeat() -> None:
    assert shipped().read("thank you").intent.label == OUT_OF_SCOPE  # type: ignore[union-attr]
    facts = history_facts(incoming(conversation("thank you", "thank you")).messages, shipped().read)
    assert not facts["repeated_intent"]
