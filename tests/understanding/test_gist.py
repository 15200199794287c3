"""Summary and extraction: what is found, what is left alone, and what never comes out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from app.core.case import Author, Case, Customer, Gist, Message, Signal, Signals
from app.core.scanning import scan_messages
from app.core.understanding import read_gist
from app.core.understanding.gist import MOST_FIELDS
from tests.core.policies import shipped as shipped_policy
from tests.understanding.gist_messages import AT, FIELDS, a_conversation, read_row, rows, score


@pytest.mark.parametrize(("name", "floor"), [("dev", 0.97), ("held_out", 0.93)])
def test_extraction_stays_as_good_as_it_was_measured(name: str, floor: float) -> None:
    labelled = rows(name)
    assert len(labelled) >= 60
    for field, result in score(labelled, read_row).items():
        assert result.precision >= floor, field
        assert result.recall >= floor, field


def test_the_labelled_messages_are_worth_measuring_on() -> None:
    labelled = [*rows("dev"), *rows("held_out")]
    assert len({row["text"] for row in labelled}) == len(labelled) >= 120
    assert {row["lang"] for row in labelled} == {"en", "de", "fr", "es"}
    assert sum(not any(row.get(field) for field in FIELDS) for row in labelled) >= 40


def said(text: str, **changes: object) -> Message:
    return Message(author="customer", text=text, at=AT, **changes)  # type: ignore[arg-type]


def found(case: Case, field: str) -> list[str]:
    return [item.value for item in read_gist(case).fields if item.field == field]


def values(text: str, field: str, **customer: str) -> list[str]:
    return found(a_conversation(said(text), customer=Customer(id="c", **customer)), field)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("I paid 1,234.56 USD", "1234.56 USD"),
        ("es waren 1.234,56 €", "1234.56 EUR"),
        ("soit 1 234,56 €", "1234.56 EUR"),
        ("soit 1\u202f234,56\u00a0€", "1234.56 EUR"),
        ("only 240 EUR", "240 EUR"),
        ("$49.99!", "49.99 USD"),
        ("$1.5k gone", "1500 USD"),
        ("two hundred dollars", "200 USD"),
        ("twenty-five euros", "25 EUR"),
        ("59 dollars and 99 cents", "59.99 USD"),
        ("EUR 12,-", "12 EUR"),
    ],
)
def test_amounts_are_read_as_people_write_them(text: str, amount: str) -> None:
    assert values(text, "amount") == [amount]


@pytest.mark.parametrize("text", ["I paid 240", "a couple of hundred dollars", "12 pounds of flour", "100 % off"])
def test_what_names_no_sum_is_no_amount(text: str) -> None:
    assert values(text, "amount") == []


def test_the_customers_currency_says_which_dollar_or_crown_is_meant() -> None:
    assert values("$20 too much", "amount", currency="CAD") == ["20 CAD"]
    assert values("499 kr too much", "amount", currency="SEK") == ["499 SEK"]
    assert values("499 kr too much", "amount") == ["499 kr"]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("on 3 November 2026", "2026-11-03"),
        ("on November 3rd", "2026-11-03"),
        ("on 2026-11-03", "2026-11-03"),
        ("since yesterday", "2026-11-11"),
        ("last Friday", "2026-11-06"),
        ("on 13/11/2026", "2026-11-13"),
        ("on 11/03/2026", "11/03/2026"),
        ("seit dem 3.11.2026 warte ich auf die Lieferung", "2026-11-03"),
        ("le 11/03/2026 j'ai reçu votre colis", "2026-03-11"),
        ("two weeks ago", "two weeks ago"),
    ],
)
def test_a_date_is_iso_only_where_one_day_can_be_meant(text: str, day: str) -> None:
    assert values(text, "date") == [day]


def test_the_customers_place_decides_between_day_and_month() -> None:
    assert values("It was 11/03/2026", "date", timezone="America/New_York") == ["2026-11-03"]
    assert values("It was 11/03/2026", "date", timezone="Europe/London") == ["2026-03-11"]


def test_relative_days_hang_on_their_own_message() -> None:
    earlier = Message(author="customer", text="It broke yesterday.", at=AT - timedelta(days=10))
    undated = Message(author="customer", text="It broke yesterday.")
    assert found(a_conversation(earlier), "date") == ["2026-11-01"]
    assert found(a_conversation(undated), "date") == ["yesterday"]


@pytest.mark.parametrize(
    ("text", "actions"),
    [
        ("I don't want a refund", []),
        ("I don't want a refund but a replacement", ["replacement"]),
        ("Ich möchte nicht kündigen", []),
        ("No quiero cancelar el pedido", []),
        ("Je ne veux pas annuler", []),
        ("What is your refund policy?", []),
        ("You cancelled my order", []),
        ("I'm not happy, please refund me", ["refund"]),
        ("Where is my refund?", ["status_update"]),
        ("Please cancel the order and send me the invoice", ["cancellation", "invoice_copy"]),
    ],
)
def test_a_wish_counts_unless_it_is_denied(text: str, actions: list[str]) -> None:
    assert sorted(values(text, "asked_action")) == actions


def test_newest_comes_first_and_once() -> None:
    many = ", ".join(f"A-{number}" for number in range(4000, 4040))
    case = a_conversation(said(f"orders {many}"), said("It is order A-4003, refund me 20 EUR"))
    read = [item.value for item in read_gist(case).fields]
    assert set(read[:3]) == {"A-4003", "refund", "20 EUR"}
    assert read[3:6] == ["A-4000", "A-4001", "A-4002"]
    assert len(read) == len(set(read)) <= MOST_FIELDS


def test_a_long_list_of_one_kind_does_not_crowd_out_the_others() -> None:
    many = ", ".join(f"A-{number}" for number in range(4000, 4040))
    read = {item.field for item in read_gist(a_conversation(said(f"orders {many}: refund me 20 EUR"))).fields}
    assert read == {"order_id", "amount", "asked_action"}


@pytest.mark.parametrize("author", ["agent", "ai", "system"])
def test_only_the_customer_is_read(author: Author) -> None:
    case = a_conversation(said("Thanks."), Message(author=author, text="We refund order 48213 with 20 EUR."))
    assert read_gist(case).fields == ()
    assert "48213" not in read_gist(case).summary


def test_quoted_mail_is_not_the_customers_wish() -> None:
    text = "Is this right?\n\nOn Mon, 9 Nov 2026, Support wrote:\n> Shall we refund order 48213 with 20 EUR?"
    assert read_gist(a_conversation(said(text))).fields == ()


def test_sensitive_and_contact_data_never_come_out() -> None:
    text = (
        "I want a refund for order 48213. My card is 4111 1111 1111 1111, my SSN 078-05-1120. "
        "I was born on 3 May 1984. Mail maria@acme.example or call +49 30 5550199."
    )
    case = a_conversation(said(text))
    scanned = replace(case, findings=scan_messages(case, shipped_policy().rules))
    gist = read_gist(scanned)
    everything = gist.summary + str(gist.fields)
    for secret in ("4111", "078-05", "1984", "maria@", "5550"):
        assert secret not in everything
    assert {item.value for item in gist.fields} == {"refund", "48213"}


def test_summary_says_who_wants_what_the_facts_and_their_own_words() -> None:
    customer = Customer(id="c", name="Acme Tools")
    case = a_conversation(
        said("Hello, I ordered a lamp on 3 November 2026. Order 48213, 240 EUR."),
        Message(author="agent", text="We are looking into it."),
        said("It arrived broken and nobody answers! I want a refund. Thanks and regards"),
        customer=customer,
        signals=Signals(sentiment=Signal(label="negative", confidence=0.88)),
    )
    lines = read_gist(case).summary.split("\n")
    assert lines[0] == "Acme Tools asks for a refund."
    assert lines[1] == "Ref. 48213 · 240 EUR · 2026-11-03 · 2 messages · unhappy"
    assert "I want a refund." in lines[2]
    assert "regards" not in lines[2]
    assert len(lines) == 3


def test_without_a_wish_a_sure_topic_speaks_and_an_unsure_one_is_called_so() -> None:
    def wish(confidence: float) -> str:
        intent = Signal(label="shipping_status", confidence=confidence)
        return read_gist(a_conversation(said("Hm."), signals=Signals(intent=intent))).summary

    assert wish(0.9).startswith("The customer writes about shipping status.")
    assert "not sure" in wish(0.4).split("\n")[0]


def test_the_quote_is_literal_and_cut_between_words() -> None:
    text = "I want a refund because " + "the lamp arrived broken and " * 40
    quote = read_gist(a_conversation(said(text))).summary.split("\n")[-1]
    assert len(quote) <= 200
    assert quote.endswith("…”")
    cut = quote.strip("“”").removesuffix("…")
    assert text.startswith(cut)
    assert text[len(cut)] == " "


@pytest.mark.parametrize("text", ["", " ", "\u200b\u202e", "!!!", "你好", "\ud83d"])
def test_nothing_said_is_a_gist_too(text: str) -> None:
    gist = read_gist(a_conversation(said(text)))
    assert gist.fields == ()
    assert gist.summary.count("\n") <= 2
    assert isinstance(read_gist(a_conversation()), Gist)


HOSTILE = (
    "refund ",
    "order ",
    "#",
    "1.",
    "1/1/",
    "two hundred ",
    "order 1234, 1235 and 1236 ",
    "don't ",
    "ORD-",
    ">\n",
)


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_gist_stays_bounded_however_often_a_trick_is_repeated(piece: str) -> None:
    gist = read_gist(a_conversation(*(said((piece * 20_000)[:20_000]) for _ in range(5))))
    assert len(gist.fields) <= MOST_FIELDS
    assert len(gist.summary) <= 700
    assert all(len(item.value) <= 80 and len(item.quote) <= 120 for item in gist.fields)
