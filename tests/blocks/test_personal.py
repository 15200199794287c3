"""Personal data in Slack: masked for the room, whole for one person who may see it (OP7)."""

from __future__ import annotations

from msgspec.structs import replace

from app.core.case import Case, Fact
from blocks.buttons import packet_buttons
from blocks.packet import packet_message
from blocks.personal import MOST, personal_view
from blocks.surface import surroundings_of
from tests.blocks.reading import seen, view_refusals
from tests.make import a_message, a_ticket, people
from tests.scenes import SHIPPED, received

AROUND = surroundings_of(SHIPPED, people())
CARD, MAIL, SSN = "4111 1111 1111 1111", "maria@acme.example", "078-05-1120"


def labels(case: Case) -> list[str]:
    return [b["text"]["text"] for b in packet_buttons(case, case.packets[0], AROUND)]


def case_with_data() -> Case:
    return received(
        messages=(a_message(f"My card is {CARD}, write to {MAIL}."), a_message("Where is my parcel?")),
        ticket=a_ticket(subject=f"About SSN {SSN}"),
        context=(Fact(label="Card on file", value=CARD), Fact(label="Plan", value="Team")),
    )


def test_the_room_sees_none_of_it_and_a_button() -> None:
    case = case_with_data()
    message = packet_message(case, case.packets[0], AROUND)
    everything = seen(message.blocks) + message.text
    assert not [data for data in (CARD, MAIL, SSN) if data in everything]
    assert "Plan: Team" in everything
    assert labels(case)[-1] == "Show"


def test_who_may_see_it_sees_all_of_it_and_where_it_stands() -> None:
    view = personal_view(case_with_data())
    assert view_refusals(view) == []
    text = seen(view["blocks"])
    assert all(data in text for data in (CARD, MAIL, SSN))
    assert "Message 1 of 2, customer" in text
    assert "Card on file" in text
    assert "Where is my parcel?" not in text, "nothing is masked there"
    assert "recorded" in text


def test_nothing_masked_no_button() -> None:
    assert "Show" not in labels(received())


def test_a_closed_packet_has_no_such_button_either() -> None:
    assert labels(replace(case_with_data(), state="sent")) == ["View history"]


def test_a_name_alone_hides_nothing() -> None:
    case = case_with_data()
    names = tuple(replace(f, entity="PERSON", sensitive=False) for f in case.findings)
    assert "Show" not in labels(replace(case, findings=names))


def test_a_long_conversation_is_shown_as_far_as_a_form_goes() -> None:
    words = f"My card is {CARD}. " + "And so on. " * 400
    view = personal_view(received(messages=(a_message(words),) * (MOST * 3)))
    assert view_refusals(view) == []
    assert len(view["blocks"]) <= 100
    assert "Earlier messages are on the ticket." in seen(view["blocks"])
