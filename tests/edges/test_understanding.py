"""Signals a caller leaves out are computed at the door; those it gives stand."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from app.core.case import Signal, Signals
from app.core.errors import PolicyError
from app.core.messages import ReceiveCase, Withdraw
from app.core.understanding import Understanding
from app.edges.understanding import complete, load_understanding
from tests.make import a_customer, a_message, a_ticket, signals
from tests.scenes import POLICIES, a_world, after, received


@pytest.fixture(scope="module")
def understanding(tmp_path_factory: pytest.TempPathFactory) -> Understanding:
    found = load_understanding(POLICIES, tmp_path_factory.mktemp("cache"))
    assert found is not None
    return found


NOTHING = Signals()


def a_case(text: str, given: Signals = NOTHING) -> ReceiveCase:
    return ReceiveCase(
        case_id="c_signals0001",
        by="api:t",
        ticket=a_ticket(),
        customer=a_customer(),
        messages=(a_message(text),),
        signals=given,
    )


def test_missing_signals_are_computed_and_say_by_whom(understanding: Understanding) -> None:
    command = complete(a_case("Where is my parcel? It was due on Friday."), understanding)
    assert isinstance(command, ReceiveCase)
    intent, language = command.signals.intent, command.signals.language
    assert intent is not None
    assert (intent.label, intent.source) == ("shipping_status", "builtin")
    assert language is not None
    assert (language.label, language.source) == ("en", "builtin")
    assert command.signals.sentiment is not None


def test_what_the_caller_gave_stands(understanding: Understanding) -> None:
    given = Signals(intent=Signal(label="warranty", confidence=0.4))
    command = complete(a_case("Where is my parcel?", given), understanding)
    assert isinstance(command, ReceiveCase)
    assert command.signals.intent == given.intent
    assert command.signals.language is not None
    whole = a_case("Where is my parcel?", signals())
    assert complete(whole, understanding) == whole


def test_other_commands_pass_untouched(understanding: Understanding) -> None:
    command = Withdraw(case_id="c_x", by="api:t")
    assert complete(command, understanding) is command


def test_the_newest_message_of_the_customer_counts(understanding: Understanding) -> None:
    earlier = (a_message("Where is my parcel?"), a_message("It is on its way.", author="agent"))
    command = a_case("x")
    command = ReceiveCase(
        case_id=command.case_id,
        by=command.by,
        ticket=command.ticket,
        customer=command.customer,
        messages=(*earlier, a_message("Please close my account, I want it deleted.")),
    )
    read = complete(command, understanding)
    assert isinstance(read, ReceiveCase)
    assert read.signals.intent is not None
    assert read.signals.intent.label == "account_closure"


def test_what_was_learnt_is_kept_and_a_spoilt_cache_is_no_harm(tmp_path: Path) -> None:
    first = load_understanding(POLICIES, tmp_path)
    assert first is not None
    kept = next(tmp_path.glob("understanding-*.bin"))
    again = load_understanding(POLICIES, tmp_path)
    assert again is not None
    assert again.read("Where is my parcel?") == first.read("Where is my parcel?")
    kept.write_bytes(b"spoilt")
    third = load_understanding(POLICIES, tmp_path)
    assert third is not None
    assert third.version == first.version
    assert kept.read_bytes() == first.to_bytes()


def test_without_the_file_signals_stay_missing(tmp_path: Path) -> None:
    assert load_understanding(tmp_path) is None


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    shutil.copy(POLICIES / "intents.yaml", tmp_path)
    with (tmp_path / "intents.yaml").open("a") as file:
        file.write("\nsurprise: 1\n")
    with pytest.raises(PolicyError) as caught:
        load_understanding(tmp_path)
    assert "surprise" in str(caught.value)


def test_computed_signals_alone_send_nothing_without_a_person(understanding: Understanding) -> None:
    command = complete(a_case("Where is my parcel?"), understanding)
    assert isinstance(command, ReceiveCase)
    case = received(signals=command.signals)
    assert case.state == "pending"
    assert after(case, world=a_world()).verdict is None
