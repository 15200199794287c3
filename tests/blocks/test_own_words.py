"""App Home, the figures, what is stuck, and the form for a reply of one's own."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from app.core.effects import AnyEffect
from app.core.figures import Figures, TierFigures
from blocks.figures import short_figures, stats_message
from blocks.home import home_view
from blocks.modals import new_reply_view, text_from_view
from blocks.queue import HELP, QueueRow, help_message
from blocks.stuck import WHAT, StuckRow, stuck_message
from tests.blocks.reading import AROUND, buttons, inputs, links, refusals, seen, view_refusals, words_of
from tests.make import a_case, a_draft, a_high_case

WEEK = Figures(
    tiers=(
        TierFigures(tier="low", approved=8, edited=1, rejected=1),
        TierFigures(tier="medium"),
        TierFigures(tier="high", approved=1, edited=2),
    ),
    alone=4, median=300.0, p90=7_260.0, soon=9, overrides=2, escalations=3, cases=30,
)  # fmt: skip
ROWS = [
    QueueRow(channel="support-review", pending=3, oldest=3_700, overdue=1),
    QueueRow(channel="billing-approvals", pending=2, oldest=60),
]


class TestHome:
    def test_its_buttons_open_things_and_none_decides_at_one_click(self):
        withheld = a_high_case(state="pending", stage=0, approvals=(), drafts=(a_draft(),))
        cases = [a_case(), a_high_case(), withheld]
        view = home_view("UAGENT1", cases, AROUND, may_submit=True)
        assert view_refusals(view) == []
        rows = [[e["action_id"] for e in b["elements"]] for b in view["blocks"] if b["type"] == "actions"]
        assert rows[0] == ["cs:new"]
        assert rows[1] == ["cs:open", "cs:edit", "cs:reject", "cs:claim", "cs:history"]
        assert {action for row in rows for action in row}.isdisjoint({"cs:approve", "cs:signoff", "cs:settle_sent"})
        assert all(row[0] == "cs:open" for row in rows[1:])

    def test_what_one_submitted_is_listed_with_its_state_and_a_link(self):
        over = a_case(state="expired", timers=())
        view = home_view("UAGENT1", [], AROUND, submitted=[over] * 30)
        assert view_refusals(view) == []
        said = seen(view["blocks"])
        assert "What you submitted" in said
        assert said.count("expired") == 10
        assert links("", view["blocks"]) == {"https://acme.slack.example/archives/CSUPPORTREVIEW/p1772442000000100"}

    def test_it_never_outgrows_what_slack_takes(self):
        many = [a_case(), a_high_case()] * 60
        lines = ["Dana decides for you until Friday"] * 30
        view = home_view(
            "UAGENT1", many, replace(AROUND, paused=True), submitted=many, delegations=lines,
            figures=[(f"Figure {n}", "1") for n in range(50)], may_submit=True,
        )  # fmt: skip
        assert view_refusals(view) == []
        assert len(view["blocks"]) <= 100
        assert "100 further cases" in seen(view["blocks"])

    def test_who_may_not_submit_is_not_asked_to(self):
        assert "cs:new" not in str(home_view("UGUEST", [], AROUND))


class TestStats:
    def test_what_waits_by_tier_and_queue_and_how_the_week_went(self):
        said = words_of(message := stats_message(ROWS, WEEK, {"high": 1, "medium": 0, "low": 3}))
        assert refusals(message.blocks) == []
        for part in (
            "1 high, 3 low", "3 pending · oldest 1 h 1 min · ⚠ 1 overdue",
            "80 % approved, 10 % edited, 10 % rejected of 10",
            "33 % approved, 67 % edited, 0 % rejected of 3", "median 5 min, p90 2 h 1 min", "69 % of 13", "4 cases",
        ):  # fmt: skip
            assert part in said
        assert "4 pending" in message.text
        assert "check knowledge base or macros" in said
        assert "medium" not in said.casefold().partition("last 7 days")[2]

    def test_a_new_team_has_no_shares(self):
        said = words_of(message := stats_message([], Figures(), {"high": 0, "medium": 0, "low": 0}))
        assert refusals(message.blocks) == []
        assert "Nothing waits." in said
        assert "nothing by people" in said
        assert "%" not in said

    def test_where_there_were_more_cases_it_says_so(self):
        assert "there were more" in words_of(stats_message(ROWS, replace(WEEK, cut=True), {}))
        assert "there were more" not in words_of(stats_message(ROWS, WEEK, {}))

    def test_in_short_a_case_of_two_queues_counts_once(self):
        pairs = dict(short_figures(ROWS, WEEK, {"high": 1, "medium": 0, "low": 3}))
        assert pairs["Pending"] == "4, 1 overdue"
        assert pairs["Rejected"] == "8 %"
        assert dict(short_figures([], Figures(), {}))["Oldest"] == "nothing waits"


def stuck(**changes):
    known = {"delivery": "c_test-7", "effect": "HelpdeskReply", "dead": True, "error": "410 gone", "age": 90.0}
    return StuckRow(**{**known, "case": a_case(state="failed"), **changes})


class TestStuck:
    def test_a_dead_letter_can_be_tried_again_by_who_may(self):
        message = stuck_message([stuck()], AROUND, may=True)
        assert refusals(message.blocks) == []
        assert "A reply to the customer" in words_of(message)
        assert "gave up 1 min ago · Acme Tools" in words_of(message)
        assert "410 gone" in words_of(message)
        again = buttons(message.blocks)["Try again"]
        assert again["action_id"] == "cs:redrive"
        assert again["value"] == f'{{"c":"{a_case().id}","d":"c_test-7"}}'
        assert again["confirm"]

    def test_others_read_who_can(self):
        message = stuck_message([stuck()], AROUND, may=False)
        assert list(buttons(message.blocks)) == ["Open packet"]
        assert "support lead or an automation owner" in words_of(message)

    def test_what_is_in_doubt_is_settled_where_people_looked(self):
        message = stuck_message([stuck(dead=False, error="")], AROUND, may=True)
        assert list(buttons(message.blocks)) == ["Settle it on the packet"]
        assert "No reason is known." in words_of(message)

    def test_ten_of_them_fit_and_older_ones_are_hinted_at(self):
        message = stuck_message([stuck(error="x" * 5_000)] * 10, AROUND, may=True, more=True)
        assert refusals(message.blocks) == []
        assert "older ones" in words_of(message)
        assert "Nothing is stuck" in words_of(stuck_message([], AROUND, may=True))

    def test_every_effect_has_a_name_people_know(self):
        of_no_case = {"BoardPost", "BoardUpdate", "DigestShow", "ChannelNotice", "PersonalNotice"}
        assert set(WHAT) == {kind.__name__ for kind in AnyEffect.__args__} - of_no_case


class TestNewReply:
    def test_it_asks_for_ticket_customer_text_action_and_amount(self):
        view = new_reply_view(["refund", "plan_change"], "{}")
        assert view_refusals(view) == []
        assert view["callback_id"] == "cs:new"
        assert {"ticket", "customer", "message", "text", "action", "amount", "currency"} <= set(inputs(view))
        options = inputs(view)["action"]["element"]["options"]
        assert [o["value"] for o in options] == ["none", "refund", "plan_change"]
        assert "never you" in seen(view["blocks"])

    @pytest.mark.parametrize("parts", range(1, 8))
    def test_more_room_keeps_the_ids_and_ends_at_what_a_reply_may_be(self, parts):
        view = new_reply_view(["refund"], "{}", parts=parts)
        assert view_refusals(view) == []
        texts = [b for b in inputs(view) if b.startswith("text")]
        assert texts == ["text", *(f"text_{n}" for n in range(1, parts))]
        assert ("cs:more_room" in str(view)) == (parts < 7)
        typed = {"values": {b: {"value": {"value": f"<{n}>"}} for n, b in enumerate(texts)}}
        assert text_from_view(typed) == "".join(f"<{n}>" for n in range(parts))

    def test_a_policy_of_many_long_names_still_fits(self):
        view = new_reply_view([f"{'action_' * 30}{n}" for n in range(50)] + [f"kind_{n}" for n in range(200)], "{}")
        assert view_refusals(view) == []


def test_help_lists_every_word():
    said = words_of(message := help_message())
    assert refusals(message.blocks) == []
    for command, _ in HELP:
        assert command in said
    words = {command.split()[1] for command, _ in HELP if " " in command}
    assert {"mine", "case", "new", "stats", "failed", "policy", "pause", "resume", "help"} <= words
