"""Modals: what can be filled in, what is prefilled, and that a text comes back as it was."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from blocks.history import history_view
from blocks.modals import (
    approve_view,
    decline_view,
    edit_view,
    field_for_error,
    message_view,
    reject_view,
    text_from_view,
    text_inputs,
    withheld_view,
    write_view,
)
from tests.blocks.reading import AROUND, draft_shown, inputs, seen, view_refusals
from tests.make import CHECKLIST, NOW, a_case, a_draft, a_high_case, a_packet, an_approval, an_assessment

META = {"ch": "C1", "ts": "1772442000.000100", "ru": "https://hooks.slack.example/1"}
MEDIUM = an_assessment(tier="medium", must_edit=True, checklist=CHECKLIST)


def state_of(view):
    """What Slack would send back for inputs nobody touched."""
    return {
        "values": {
            block_id: {"value": {"type": "plain_text_input", "value": block["element"].get("initial_value")}}
            for block_id, block in inputs(view).items()
            if block["element"]["type"] == "plain_text_input"
        }
    }


def test_edit_holds_the_draft_a_template_picker_and_what_it_is_about():
    case = a_case()
    view = edit_view(case, case.packets[0], META, AROUND)
    assert view_refusals(view) == []
    assert view["callback_id"] == "cs:edit"
    assert text_from_view(state_of(view)) == case.draft.text
    picker = inputs(view)["template"]
    assert picker["dispatch_action"]
    assert [o["value"] for o in picker["element"]["options"]] == ["review", "legal"]
    assert json.loads(view["private_metadata"]) == {"c": case.id, "h": case.request_hash, "p": "p1", **META}


def test_hash_the_person_saw_wins_over_the_current_one():
    case = a_case()
    view = edit_view(case, case.packets[0], {**META, "h": "seen"}, AROUND)
    assert json.loads(view["private_metadata"])["h"] == "seen"


def test_picked_template_fills_inputs_with_new_ids():
    case = a_case()
    view = edit_view(case, case.packets[0], META, AROUND, text="From a template", revision=1)
    assert "text~1" in inputs(view)
    assert text_from_view(state_of(view)) == "From a template"
    assert field_for_error(state_of(view)) == "text~1"


def test_long_draft_is_split_and_joined_unchanged():
    text = "".join(f"Line {i} of a long reply, with  two spaces.\n\n" for i in range(450))
    case = a_case(drafts=(a_draft(text),))
    view = edit_view(case, case.packets[0], META, AROUND)
    assert view_refusals(view) == []
    ids = [i for i in inputs(view) if i.startswith("text")]
    assert ids == [f"text_{n}" for n in range(len(ids))]
    assert len(ids) > 6
    assert text_from_view(state_of(view)) == text
    assert field_for_error(state_of(view)) == "text_0"


@settings(max_examples=60)
@given(st.text(max_size=200), st.integers(1, 60))
def test_any_text_survives_the_modal(piece, times):
    text = (piece * times)[:20_000]
    blocks = text_inputs(text, "Reply")
    view = {"type": "modal", "title": {"type": "plain_text", "text": "t"}, "blocks": blocks}
    assert text_from_view(state_of(view)) == text


def test_parts_are_joined_by_number_not_by_arrival():
    values = {f"text_{n}": {"value": {"value": str(n)}} for n in (10, 2, 0, 1)}
    assert text_from_view({"values": {**values, "reason": {"value": {"value": "no"}}}}) == "01210"
    assert text_from_view({"text": {"value": {"value": None}}}) == ""


def test_approve_shows_exactly_the_text_and_all_checklist_items():
    case = a_case(assessment=replace(MEDIUM, must_edit=False))
    view = approve_view(case, case.packets[0], META, AROUND)
    assert view_refusals(view) == []
    assert draft_shown(view["blocks"]) == case.draft.text
    options = inputs(view)["checklist"]["element"]["options"]
    assert [(o["text"]["text"], o["value"]) for o in options] == [(c, str(i)) for i, c in enumerate(CHECKLIST)]
    assert "text" not in inputs(view)


def test_must_edit_makes_the_text_an_input_but_not_for_a_persons_draft():
    case = a_case(assessment=MEDIUM)
    assert "text" in inputs(approve_view(case, case.packets[0], META, AROUND))
    human = a_case(assessment=MEDIUM, drafts=(a_draft("Mine.", author="human", author_id="UAGENT2"),))
    assert "text" not in inputs(approve_view(human, human.packets[0], META, AROUND))


def test_write_never_prefills_withheld_text():
    case = a_high_case(drafts=(a_draft("We have issued the refund", summary="Charged twice."),))
    view = write_view(case, case.packets[0], META, AROUND)
    assert view_refusals(view) == []
    assert "issued" not in seen(view["blocks"])
    assert "Charged twice." in seen(view["blocks"])
    assert "initial_value" not in inputs(view)["text"]["element"]
    edit = edit_view(case, case.packets[0], META, AROUND)
    assert "issued" not in seen(edit["blocks"])


def test_withheld_draft_is_shown_whole_and_cannot_be_submitted():
    case = a_high_case(drafts=(a_draft("We have issued the refund"),))
    view = withheld_view(case)
    assert view_refusals(view) == []
    assert draft_shown(view["blocks"]) == "We have issued the refund"
    assert "submit" not in view
    assert "recorded" in seen(view["blocks"])


def test_reject_asks_for_category_feedback_and_what_next():
    case = a_case()
    fields = inputs(reject_view(case, case.packets[0], META, AROUND))
    assert set(fields) == {"category", "reason", "then"}
    assert [o["value"] for o in fields["category"]["element"]["options"]] == ["tone", "wrong_facts"]
    assert [o["value"] for o in fields["then"]["element"]["options"]] == ["redraft", "write", "hand_back"]
    assert view_refusals(reject_view(case, case.packets[0], META, replace(AROUND, reject_categories=()))) == []


def test_where_the_ai_may_not_draft_there_is_no_draft_again():
    case = a_high_case(drafts=(a_draft(),))
    then = inputs(reject_view(case, case.packets[0], META, AROUND))["then"]["element"]
    assert [o["value"] for o in then["options"]] == ["write", "hand_back"]


def test_decline_asks_for_the_reason():
    case = a_high_case()
    packet = a_packet(key="s3", kind="signoff", role="billing_approver", request_hash=case.request_hash)
    view = decline_view(case, packet, META, AROUND)
    assert view_refusals(view) == []
    assert set(inputs(view)) == {"reason"}


def test_message_view_keeps_what_was_typed():
    typed = "My long answer. " * 900
    view = message_view("Decided already by somebody", "Ana Ruiz approved this.", typed)
    assert view_refusals(view) == []
    assert draft_shown(view["blocks"]) == typed
    assert "Ana Ruiz approved this." in seen(view["blocks"])


def test_metadata_gives_up_the_response_url_before_it_breaks_the_limit():
    case = a_case()
    view = edit_view(case, case.packets[0], {**META, "ru": "https://x/" + "y" * 4_000}, AROUND)
    assert set(json.loads(view["private_metadata"])) == {"c", "h", "p", "ch", "ts"}


@pytest.mark.parametrize("at", [NOW, NOW.isoformat(), NOW.timestamp(), "nonsense"])
def test_history_names_people_and_times_newest_first(at):
    events = [
        {"type": "CaseReceived", "actor": "api:zendesk", "at": at, "data": {"text": "secret draft"}},
        {
            "type": "ReplyWritten",
            "actor": "slack:UAGENT1",
            "at": at,
            "reason": "Kinder",
            "data": {"role": "support_agent"},
        },
    ]
    case = a_case()
    view = history_view(case, events, AROUND)
    said = seen(view["blocks"])
    assert view_refusals(view) == []
    assert said.index("Reply written · Ana Ruiz") < said.index("Case received · zendesk")
    assert "Kinder" in said
    assert "secret draft" not in said
    assert view_refusals(history_view(case, events * 400)) == []


def test_history_lists_in_words():
    event = {"type": "CaseAssessed", "actor": "api:x", "at": NOW, "data": {"rules": ["baseline", "intent_refund"]}}
    assert "rules baseline, intent_refund" in seen(history_view(a_case(), [event], AROUND)["blocks"])


def test_an_edit_says_that_approvals_will_be_void():
    before = a_case()
    for case, said in ((before, False), (replace(before, approvals=(an_approval(before),)), True)):
        assert ("will be void" in seen(edit_view(case, case.packets[0], META, AROUND)["blocks"])) is said
