"""How delegations read: who acts for whom until when, ended with one button, whatever names people gave themselves."""

from __future__ import annotations

import json
from datetime import timedelta

from msgspec.structs import replace

from app.core.effects import PersonalNotice
from app.core.office import Delegation
from blocks.delegations import delegation_sentence, delegations_message, personal_notice
from tests.blocks.reading import AROUND, buttons, links, pings, refusals, words_of
from tests.make import NOW, a_person, people

LENT = Delegation(
    id="d3",
    user="UBILL1",
    person=a_person("UBILL1").key,
    to="ULEAD1",
    to_person=a_person("ULEAD1").key,
    roles=("billing_approver",),
    since=NOW,
    until=NOW + timedelta(days=2),
    begun=True,
)
HOSTILE = "<!channel> *Eve* <https://evil.example|click> <@UAGENT1>"


def test_each_of_the_two_reads_it_from_their_side_and_can_end_it() -> None:
    for user, sentence in (
        ("UBILL1", "Dana Weiss acts for you as Billing"),
        ("ULEAD1", "You act for Hana Sato as Billing"),
        ("ULEAD2", "Dana Weiss acts for Hana Sato as Billing"),
    ):
        message = delegations_message(user, [LENT], AROUND)
        assert sentence in words_of(message)
        assert delegation_sentence(user, LENT, AROUND).startswith(sentence)
        assert json.loads(buttons(message.blocks)["End"]["value"]) == {"d": "d3"}
        assert buttons(message.blocks)["End"]["action_id"] == "cs:delegation_end"
        assert refusals(message.blocks) == []


def test_one_that_has_not_begun_says_from_when() -> None:
    waiting = replace(LENT, begun=False, since=NOW + timedelta(days=1))
    assert " from " in words_of(delegations_message("UBILL1", [waiting], AROUND))
    assert " from " in delegation_sentence("UBILL1", waiting, AROUND)
    assert " from " not in delegation_sentence("UBILL1", LENT, AROUND)


def test_nothing_to_show_says_how_to_begin() -> None:
    said = words_of(delegations_message("UBILL1", [], AROUND, note="Say until when."))
    assert "Say until when." in said
    assert "Nobody acts for you" in said
    assert "/approvals delegate @somebody until" in said


def test_many_fit_into_a_message() -> None:
    assert refusals(delegations_message("UBILL1", [LENT] * 200, AROUND).blocks) == []


def test_the_deputy_hears_what_until_when_and_where() -> None:
    data = {"of": "UBILL1", "to": "ULEAD1", "roles": ["billing_approver"]}
    data |= {"since": LENT.since.isoformat(), "until": LENT.until.isoformat()}
    around = replace(AROUND, role_channels={"billing_approver": "billing-approvals"})
    message = personal_notice(PersonalNotice(user="ULEAD1", kind="delegated", data=data), around)
    assert "You act for Hana Sato as Billing" in message.text
    assert "#billing-approvals" in words_of(message)
    over = personal_notice(PersonalNotice(user="UBILL1", kind="delegation_over", data=data), around)
    assert "Dana Weiss does not act for Hana Sato any more" in words_of(over)
    assert refusals(message.blocks) == refusals(over.blocks) == []


def test_a_name_is_text_and_nothing_else() -> None:
    around = replace(AROUND, people=people({}, a_person("UBILL1", name=HOSTILE), a_person("ULEAD1", name=HOSTILE)))
    data = {"of": "UBILL1", "to": "ULEAD1", "roles": [HOSTILE], "since": NOW.isoformat(), "until": NOW.isoformat()}
    for message in (
        delegations_message("ULEAD2", [LENT], around, note=HOSTILE),
        personal_notice(PersonalNotice(user="ULEAD1", kind="delegated", data=data), around),
        personal_notice(PersonalNotice(user="ULEAD1", kind="delegation_over", data=data), around),
    ):
        assert "Eve" in words_of(message)
        assert pings(message.text, message.blocks) == []
        assert links(message.text, message.blocks) == set()
        assert refusals(message.blocks) == []
