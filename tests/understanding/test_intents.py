"""What customers want: the shipped phrases on messages they do not hold, and what editing the file does."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.case import Signals
from app.core.understanding import OUT_OF_SCOPE, Understanding, compile_understanding
from tests.understanding.shipped import a_document, shipped

MESSAGES = [
    ("I bought a toaster ten days ago and nobody has brought it yet, do you know where it is?", "shipping_status"),
    ("whats the status of my order pls", "order_status"),
    ("can't remember my pasword, how do i get into my acount", "password_reset"),
    ("How can I add a colleague to my board?", "how_to"),
    ("Until when is the Brighton shop open on Thursdays?", "opening_hours"),
    ("Do you have a voucher code for new customers?", "discount"),
    ("We would like to go from the basic to the business plan next month.", "plan_change"),
    ("What is the largest file that I may upload?", "feature_limit"),
    ("Is my blender still under warranty? I have had it for a year.", "warranty"),
    ("Since yesterday's update the app crashes as soon as I open it.", "bug_workaround"),
    ("I'd like to order two tables and a bench", "place_order"),
    ("Could you make it a size L instead of M in my order 44121?", "order_change"),
    ("Please cancel my order 44121, I no longer need the curtains.", "order_cancellation"),
    ("we moved, please send the parcel to our new address", "address_change"),
    ("My card keeps being declined at the checkout", "payment_issue"),
    ("The kettle is not what I expected. I want my money back.", "refund_request"),
    ("You promised me a refund last month, where is it?", "refund_status"),
    ("If this is not settled by noon I'll file a chargeback with my bank.", "chargeback"),
    ("I have been charged twice this month, and I dispute the second charge.", "billing_dispute"),
    ("I need a copy of the invoice for April for my accountant", "invoice_request"),
    ("I want to cancel my gym membership at the end of the year.", "cancellation"),
    ("delete my account for good please", "account_closure"),
    ("I got married, my surname in the profile must change", "account_change"),
    ("Our founder left, please transfer ownership of the workspace to me", "ownership_change"),
    ("Please send me a copy of all the data that you store about me.", "data_export"),
    ("We want to send an email to all our customers about the recall.", "bulk_communication"),
    ("My attorney says that you are liable and we will sue you.", "legal_question"),
    ("Are you GDPR compliant, and who is your data protection officer?", "regulatory"),
    ("Somebody hacked my account and changed the password!", "security_incident"),
    ("Is it safe to take these tablets during pregnancy?", "medical_advice"),
    ("Should I invest my savings in tech stocks now?", "financial_advice"),
    ("Your service is terrible and I am extremely disappointed", "complaint"),
    ("Can I please talk to a real person?", "contact_human"),
]


@pytest.mark.parametrize(("text", "intent"), MESSAGES)
def test_an_intent_is_recognised_in_words_of_its_own(text: str, intent: str) -> None:
    found = shipped().intent(text)
    assert (found.label, found.source) == (intent, "builtin")


@pytest.mark.parametrize(
    "text",
    [
        "Good afternoon!",
        "no thank you, that would be all",
        "What will the weather be like on Sunday?",
        "tell me a joke about penguins",
        "How do I cook a risotto?",
        "what is the capital of Peru",
        "set a timer for nine minutes",
        "lol",
    ],
)
def test_what_no_support_team_answers_is_out_of_scope(text: str) -> None:
    assert shipped().intent(text).label == OUT_OF_SCOPE


@pytest.mark.parametrize(
    "text",
    [
        "Wo bleibt eigentlich meine Bestellung?",
        "Je voudrais annuler ma commande",
        "注文した商品がまだ届きません",
        "Отмените мой заказ, пожалуйста",
        "qwrt zxcv bnmk plkj",
        "hippopotamus fjord zeitgeist",
    ],
)
def test_what_it_cannot_read_is_never_a_sure_intent(text: str) -> None:
    found = shipped().intent(text)
    assert found.label == OUT_OF_SCOPE or found.confidence < 0.6


def test_greetings_and_stories_around_the_point_do_not_hide_it() -> None:
    text = (
        "Hello, I hope you are well. I have been with you since 2016 and my sister is a customer, too. "
        "We were at the seaside all week. I want a refund for the {}. Many thanks and kind regards, Ines"
    ).format("broken umbrella")
    assert shipped().intent(text).label == "refund_request"
    assert shipped().intent(text.replace(". ", ", ").replace(".", "")).label == "refund_request"
    assert shipped().intent("word " * 3000 + "\nI want to close my account").label == "account_closure"


def test_a_wish_that_fits_two_intents_is_not_sure() -> None:
    assert shipped().intent("I was charged something that I do not recognise").confidence < 0.8


def test_a_short_answer_has_the_intent_of_its_question_but_not_surely() -> None:
    understanding = shipped()
    question = "Shall I cancel your order 44121 now?"
    assert understanding.intent("yes please").label == OUT_OF_SCOPE
    answer = understanding.intent("yes please", question)
    assert answer.label == "order_cancellation"
    assert answer.confidence < 0.6
    assert understanding.intent("I forgot my password", question).label == "password_reset"
    assert understanding.intent("yes please", "Good morning!").label == OUT_OF_SCOPE


def test_two_phrases_teach_what_was_not_known() -> None:
    document = a_document()
    text = "the chimney needs sweeping again"
    before = compile_understanding(document).intent(text)
    document["intents"]["sweep"] = [
        "please sweep the chimney",
        "chimney sweeping",
        "is a sweep of our chimney due",
        "the chimney smokes",
        "book the chimney sweep",
    ]
    after = compile_understanding(document).intent(text)
    assert before.label != "sweep"
    assert after.label == "sweep"
    assert after.confidence > before.confidence


def test_words_that_mean_the_same_are_understood_alike() -> None:
    text = "overhaul my {}".format("trombone")
    same = [["repair", "mend", "overhaul"]]
    assert compile_understanding(a_document(same=same)).intent(text).label == "repair"


def test_stored_weights_answer_as_fresh_ones_do() -> None:
    fresh = shipped()
    stored = Understanding.from_bytes(fresh.to_bytes())
    assert stored.version == fresh.version
    assert stored.intents == fresh.intents
    for text, _ in MESSAGES:
        assert stored.read(text) == fresh.read(text)


@pytest.mark.parametrize("data", [b"", b"\x00\x01", b"\x95", b'{"a": 1}'])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="weights"):
        Understanding.from_bytes(data)


def test_weights_of_another_engine_are_refused() -> None:
    data = compile_understanding(a_document()).to_bytes()
    with pytest.raises(ValueError, match="engine 7"):
        Understanding.from_bytes(data[:1] + b"\x07" + data[2:])


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200), st.text(max_size=50))
def test_any_text_has_signals_with_confidences_from_0_to_1(text: str, previous: str) -> None:
    found = shipped().read(text, previous)
    assert found == shipped().read(text, previous)
    assert found.language is not None
    for signal in (found.intent, found.sentiment, found.language):
        assert signal is None or (0 <= signal.confidence <= 1 and signal.source == "builtin")


@pytest.mark.parametrize("text", ["", " \n", "12345", "👍", "?!", "\u200b", "\ud800"])
def test_without_a_letter_nothing_is_known(text: str) -> None:
    found = shipped().read(text)
    assert (found.intent, found.sentiment) == (None, None)
    assert found.language is not None
    assert (found.language.label, found.language.confidence) == ("und", 0.0)
    assert found != Signals()


def test_a_very_long_message_is_read_by_its_ends() -> None:
    filler = "and then there was the matter of the green door " * 400
    assert shipped().intent(filler + ". Please reset my password").label == "password_reset"
    assert shipped().intent("Please reset my password. " + filler).label == "password_reset"
