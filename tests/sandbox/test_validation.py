from typing import Any

import pytest

from app.sandbox.validation import validate_blocks, validate_view
from tests.sandbox.kit import actions, button, modal, mrkdwn, plain, section, text_input


def option(text: str = "One", value: str = "1", **more: Any) -> dict[str, Any]:
    return {"text": plain(text), "value": value, **more}


def select(kind: str = "static_select", **more: Any) -> dict[str, Any]:
    return {"type": kind, "action_id": kind, "options": [option()], **more}


CONFIRM = {"title": plain("Sure?"), "text": mrkdwn("*Really*"), "confirm": plain("Yes"), "deny": plain("No")}
LEAF = {"type": "text", "text": "x"}
RICH = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [LEAF]}]}
IMAGE = {"type": "image", "alt_text": "chart", "image_url": "https://example.com/a.png"}


@pytest.mark.parametrize(
    "block",
    [
        section("x" * 3000),
        {"type": "section", "fields": [mrkdwn("y" * 2000)] * 10},
        {"type": "section", "text": plain("x"), "accessory": button(confirm=CONFIRM, style="danger")},
        {"type": "header", "text": plain("h" * 150)},
        {"type": "divider"},
        {"type": "context", "elements": [mrkdwn("a"), plain("b"), IMAGE]},
        actions(*[button(f"b{n}", value="v" * 2000) for n in range(25)]),
        actions(select(), {"type": "overflow", "action_id": "o", "options": [option(url="https://a.b")]}),
        {"type": "section", "text": plain("x"), "accessory": select("multi_static_select")},
        {"type": "section", "text": plain("x"), "accessory": select("checkboxes")},
        {"type": "section", "text": plain("x"), "accessory": select("radio_buttons", initial_option=option())},
        actions({"type": "users_select", "action_id": "u", "placeholder": plain("Who")}),
        actions({"type": "datepicker", "action_id": "d", "initial_date": "2026-02-28"}),
        actions({"type": "timepicker", "action_id": "t", "initial_time": "23:59"}),
        IMAGE,
        RICH,
        {"type": "markdown", "text": "**bold**"},
        text_input(),
    ],
)
def test_what_slack_takes_in_a_message(block: dict[str, Any]) -> None:
    assert validate_blocks([block], "message") == []


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"type": "header", "text": plain("h" * 151)}, "must be less than 151 characters [/0/text/text]"),
        ({"type": "header", "text": mrkdwn("h")}, "unsupported type: mrkdwn [/0/text/type]"),
        ({"type": "section"}, "must define either `text` or `fields` [/0/type]"),
        (section(""), "must be more than 0 characters [/0/text/text]"),
        ({"type": "section", "fields": [mrkdwn("y")] * 11}, "no more than 10 items allowed [/0/fields]"),
        (
            {"type": "section", "fields": [mrkdwn("y" * 2001)]},
            "must be less than 2001 characters [/0/fields/0/text]",
        ),
        (section() | {"color": "red"}, "invalid additional property: color [/0]"),
        (section() | {"block_id": "b" * 256}, "must be less than 256 characters [/0/block_id]"),
        ({"type": "banner"}, "unsupported type: banner [/0/type]"),
        ({"text": plain("x")}, "missing required field: type [/0]"),
        ({"type": "context", "elements": [mrkdwn("x")] * 11}, "no more than 10 items allowed [/0/elements]"),
        ({"type": "context", "elements": [button()]}, "unsupported type: button [/0/elements/0/type]"),
        (
            actions(*[button(str(n)) for n in range(26)]),
            "no more than 25 items allowed [/0/elements]",
        ),
        (actions(text_input()["element"]), "unsupported type: plain_text_input [/0/elements/0/type]"),
        (
            actions(button() | {"text": plain("t" * 76)}),
            "must be less than 76 characters [/0/elements/0/text/text]",
        ),
        (actions(button(value="v" * 2001)), "must be less than 2001 characters [/0/elements/0/value]"),
        (actions(button("a" * 256)), "must be less than 256 characters [/0/elements/0/action_id]"),
        (
            actions(button(style="green")),
            "must be a valid enum value: primary, danger [/0/elements/0/style]",
        ),
        (actions(button(value=None)), "must provide a string [/0/elements/0/value]"),
        (actions(button(), button()), "`action_id` plain already exists in this block [/0/elements/1/action_id]"),
        (
            actions(select(options=[option("o" * 76)])),
            "must be less than 76 characters [/0/elements/0/options/0/text/text]",
        ),
        (
            actions(select(options=[option(value="o" * 151)])),
            "must be less than 151 characters [/0/elements/0/options/0/value]",
        ),
        (
            actions(select(option_groups=[])),
            "no less than 1 items allowed [/0/elements/0/option_groups]",
        ),
        (
            actions(select(initial_option=option("Two"))),
            "initial_option must exactly match one of the provided options [/0/elements/0/initial_option]",
        ),
        (
            actions(select("radio_buttons", options=[option(str(n), str(n)) for n in range(11)])),
            "no more than 10 items allowed [/0/elements/0/options]",
        ),
        (
            actions(button(confirm={**CONFIRM, "title": plain("t" * 101)})),
            "must be less than 101 characters [/0/elements/0/confirm/title/text]",
        ),
        (
            actions({"type": "datepicker", "action_id": "d", "initial_date": "2026-02-30"}),
            "invalid date [/0/elements/0/initial_date]",
        ),
        (text_input(max_length=3001), "must be less than or equal to 3000 [/0/element/max_length]"),
        (
            text_input(max_length=5, initial_value="longer"),
            "must be less than 6 characters [/0/element/initial_value]",
        ),
        (
            text_input(min_length=10, max_length=5),
            "min_length must be less than max_length [/0/element/min_length]",
        ),
        (
            {"type": "image", "alt_text": "x", "image_url": "http://localhost/a.png"},
            "downloading image failed [/0/image_url]",
        ),
        ({"type": "image", "image_url": "https://a.b/c.png"}, "missing required field: alt_text [/0]"),
        (
            {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{**LEAF, "text": ""}]}]},
            "must be more than 0 characters [/0/elements/0/elements/0/text]",
        ),
        ({"type": "markdown", "text": "m" * 12_001}, "must be less than 12001 characters [/0/text]"),
    ],
)
def test_what_slack_refuses_and_how_it_says_so(block: dict[str, Any], message: str) -> None:
    text, _, pointer = message.rpartition(" [")
    assert f"[ERROR] {text} [json-pointer:/blocks{pointer}" in validate_blocks([block], "message")


def test_what_only_shows_across_blocks() -> None:
    twins = [section() | {"block_id": "same"}, section() | {"block_id": "same"}]
    assert validate_blocks(twins) == ["[ERROR] `block_id` same already exists [json-pointer:/blocks/1/block_id]"]
    assert validate_blocks([section()] * 51) == ["[ERROR] no more than 50 items allowed [json-pointer:/blocks]"]
    assert validate_blocks([section()] * 100, "modal") == []
    assert validate_blocks({"type": "section"}) == ["[ERROR] must provide an array [json-pointer:/blocks]"]
    focused = [text_input("a", focus_on_load=True), text_input("b", focus_on_load=True)]
    assert "only one element may set `focus_on_load`" in validate_blocks(focused, "modal")[0]


def test_surfaces_differ() -> None:
    markdown = [{"type": "markdown", "text": "x"}]
    assert validate_blocks(markdown, "modal") == ["[ERROR] unsupported type: markdown [json-pointer:/blocks/0/type]"]


@pytest.mark.parametrize(
    ("view", "message"),
    [
        (modal(title=plain("t" * 25)), "must be less than 25 characters [json-pointer:/view/title/text]"),
        (
            modal(private_metadata="m" * 3001),
            "must be less than 3001 characters [json-pointer:/view/private_metadata]",
        ),
        (modal(callback_id="c" * 256), "must be less than 256 characters [json-pointer:/view/callback_id]"),
        (modal(submit_disabled=True), "invalid additional property: submit_disabled [json-pointer:/view]"),
        (modal(close=mrkdwn("no")), "unsupported type: mrkdwn [json-pointer:/view/close/type]"),
        (modal(*[section()] * 101), "no more than 100 items allowed [json-pointer:/view/blocks]"),
        ({"type": "modal", "blocks": []}, "missing required field: title [json-pointer:/view]"),
        (
            {"type": "home", "blocks": [], "title": plain("x")},
            "invalid additional property: title [json-pointer:/view]",
        ),
        ({"type": "workflow_step"}, "unsupported type: workflow_step [json-pointer:/view/type]"),
    ],
)
def test_views(view: dict[str, Any], message: str) -> None:
    assert f"[ERROR] {message}" in validate_view(view)


def test_a_modal_with_inputs_needs_a_submit_button() -> None:
    view = modal()
    assert validate_view(view) == []
    del view["submit"]
    expected = "must define `submit` to use an `input` block in modals [json-pointer:/view/blocks/0/input]"
    assert f"[ERROR] {expected}" in validate_view(view)
