"""Words: money, clipping, splitting, disarming, comparing."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.diff import compact, diff_elements, word_diff
from blocks.text import chunks, clip, escape, mention, money, one_line, prose, safe_url


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("240", "240 EUR"),
        ("240.00", "240 EUR"),
        ("1250.5", "1,250.50 EUR"),
        ("0.005", "0.005 EUR"),
        ("-3.10", "-3.10 EUR"),
        ("1E+3", "1,000 EUR"),
        ("NaN", "NaN EUR"),
        ("1E+999999", "1E+999999 EUR"),
    ],
)
def test_money_is_written_as_people_write_it(amount, words):
    assert money(Decimal(amount), "EUR") == words


@given(st.text(max_size=400), st.integers(2, 50))
def test_chunks_are_complete_in_order_and_fit(text, size):
    pieces = list(chunks(text, size))
    assert "".join(pieces) == text
    assert all(0 < len(piece) <= size for piece in pieces)


def test_chunks_keep_an_emoji_and_its_parts_together():
    family = "👨‍👩‍👧‍👦"
    pieces = list(chunks("x" * 20 + family + "é́", 26))
    assert any(family in piece for piece in pieces)


@given(st.text(max_size=100), st.integers(2, 40))
def test_clip_keeps_to_the_limit_and_says_that_it_cut(text, limit):
    short = clip(text, limit)
    assert len(short) <= limit
    assert short == text or short.endswith("…")


@given(st.text(max_size=200))
def test_one_line_is_one_line_without_anything_hidden(text):
    made = one_line(text, 80)
    assert made.isprintable() or "\u200d" in made
    assert made == made.strip()


@pytest.mark.parametrize(
    "text",
    [
        "<!channel> now",
        "<@U1> look",
        "<https://evil.example|Approve>",
        "https://evil.example",
        "evil.example/x",
        "mail me@evil.example",
        "mailto:me@evil.example",
        "@here #general",
        "*bold* _it_ ~no~ `code`",
    ],
)
def test_notification_text_is_dead(text):
    made = prose(text, 300)
    assert not set("<>*~`_") & set(made)
    for live in ("://", "@h", "@e", "#g", "evil.e"):
        assert live not in made


def test_escape_disarms_exactly_slacks_three():
    assert escape("a & <b> *c*") == "a &amp; &lt;b&gt; *c*"


@pytest.mark.parametrize("user", ["U1", "W_42"])
def test_user_ids_are_mentioned(user):
    assert mention(user) == f"<@{user}>"


@pytest.mark.parametrize("user", ["", "!channel", "U1|x", "C123", "u1", "U1> <!here"])
def test_nothing_else_is_mentioned(user):
    assert mention(user) == ""


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://helpdesk.example/t/1?x=2&y=%20", True),
        ("http://localhost:8080/t", True),
        ("javascript:alert(1)", False),
        ("https://a|b", False),
        ("https://a.example/>", False),
        ("https://a.example/ b", False),
        ("https://user@evil.example/", False),
        ("https://x.example/" + "a" * 2_000, False),
    ],
)
def test_only_plain_urls_become_links(url, safe):
    assert bool(safe_url(url)) is safe


TEXTS = st.lists(st.sampled_from(["a", "b", "refund", " ", "\n", "  ", "<!here>", "é"]), max_size=60).map("".join)


@given(TEXTS, TEXTS)
def test_diff_holds_both_texts(before, after):
    pieces = word_diff(before, after)
    assert "".join(text for kind, text in pieces if kind != "new") == before
    assert "".join(text for kind, text in pieces if kind != "gone") == after


def test_diff_shows_the_change_and_leaves_out_the_rest():
    before = "Start. " + "same words here " * 100 + "today " + "and so on " * 100
    pieces = compact(word_diff(before, before.replace("today", "tomorrow")), 600)
    assert ("gone", "today ") in pieces
    assert ("new", "tomorrow ") in pieces
    assert sum(len(text) for _, text in pieces) < 250


def test_diff_leaves_the_word_before_a_new_line_alone():
    pieces = word_diff("Kind regards\n\nTom", "Kind regards\n\nTom\n\nIngrid")
    assert ("gone", "Tom") not in pieces
    assert "".join(text for kind, text in pieces if kind == "new") == "\n\nIngrid"


def test_diff_of_hostile_texts_is_quick_and_short():
    before, after = "x " + "a " * 9_000, "y " + "a " * 4_000 + "b " + "a " * 4_000 + "z"
    start = time.perf_counter()
    elements = diff_elements(before, after)
    assert time.perf_counter() - start < 2
    assert sum(len(e["text"]) for e in elements) < 1_400
