"""Reads rendered surfaces as Slack and its readers would."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from slack_sdk.models.blocks import Block

from app.sandbox.mrkdwn import enliven, mrkdwn_strings
from app.sandbox.validation import validate_blocks, validate_view
from blocks.surface import SlackMessage, Surroundings
from tests.make import people

TEMPLATES = (("review", "Under review", "Your request is under review."), ("legal", "Legal hold", "Dear customer"))
AROUND = Surroundings(
    people=people(),
    role_titles={"support_agent": "Support agent", "billing_approver": "Billing", "legal_approver": "Legal"},
    templates=TEMPLATES,
    reject_categories=(("tone", "Tone"), ("wrong_facts", "Wrong facts")),
    workspace_url="https://acme.slack.example",
)


def strings(node: Any) -> Iterator[str]:
    """Every string a person may read in blocks, whatever its kind."""
    if isinstance(node, list):
        for item in node:
            yield from strings(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in ("text", "initial_value", "fallback") and isinstance(value, str):
                yield value
            elif key != "value":
                yield from strings(value)


def seen(blocks: list[dict[str, Any]]) -> str:
    return "\n".join(strings(blocks))


def words_of(message: SlackMessage) -> str:
    return seen(message.blocks)


def buttons(blocks: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Label → button, of all action rows."""
    rows = [b["elements"] for b in blocks if b["type"] == "actions"]
    return {e["text"]["text"]: e for row in rows for e in row}


def draft_shown(blocks: list[dict[str, Any]]) -> str:
    """The literal sections, joined as they stand: the reply, word for word."""
    return "".join(b["text"]["text"] for b in blocks if b["type"] == "section" and b.get("expand"))


def inputs(view: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {b["block_id"]: b for b in view["blocks"] if b["type"] == "input"}


def pings(text: str, blocks: list[dict[str, Any]]) -> list[str]:
    return enliven(text, blocks, [], None).pings


def links(text: str, blocks: list[dict[str, Any]]) -> set[str]:
    return {url for url, _ in enliven(text, blocks, [], None).links}


def our_markup(blocks: list[dict[str, Any]]) -> str:
    return "\n".join(mrkdwn_strings(blocks))


def refusals(blocks: list[dict[str, Any]], surface: str = "message") -> list[str]:
    """What Slack would refuse; the SDK's own models have a say too."""
    for block in Block.parse_all(blocks):
        block.validate_json()
    return validate_blocks(blocks, surface)  # type: ignore[arg-type]


def view_refusals(view: dict[str, Any]) -> list[str]:
    for block in Block.parse_all(view["blocks"]):
        block.validate_json()
    return validate_view(view)
