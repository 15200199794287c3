"""`countersign scan`: JSON lines in, findings, flags and signals out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli import app
from tests.scenes import POLICIES

runner = CliRunner()


def scanned(side: str, *lines: dict[str, Any]) -> list[dict[str, Any]]:
    text = "".join(json.dumps(line) + "\n" for line in lines)
    answer = runner.invoke(app, ["scan", "--side", side, "--policy", str(POLICIES)], input=text)
    assert answer.exit_code == 0, answer.output
    return [json.loads(line) for line in answer.stdout.splitlines()]


def test_each_line_in_gives_one_line_out_with_exact_spans() -> None:
    text = "Where is my parcel? My card is 4111 1111 1111 1111."
    card, human = scanned("input", {"id": "a", "text": text}, {"id": "b", "text": "I want to talk to a human."})
    finding = card["findings"][0]
    assert text[finding["start"] : finding["end"]] == "4111 1111 1111 1111"
    assert (finding["entity"], finding["action"], card["flags"]) == ("CREDIT_CARD", "masked", ["pii"])
    assert card["signals"]["language"] == "en"
    assert human["id"] == "b"
    assert "human_request" in human["flags"]
    assert human["signals"]["intent"] == "contact_human"


def test_the_context_counts() -> None:
    text = "Your refund of 20 EUR has been issued."
    unverified, verified = scanned(
        "output",
        {"id": "1", "text": text},
        {"id": "2", "text": text, "context": {"transaction_verified": True, "customer": {"vip": True}}},
    )
    assert "refunds" in unverified["flags"]
    assert "refunds" not in verified["flags"]


@pytest.mark.parametrize("line", ["not json", "[]", '{"id": "1"}', '{"id": "1", "text": 3}'])
def test_an_unreadable_line_is_named_and_ends_it(line: str) -> None:
    answer = runner.invoke(app, ["scan", "--side", "input", "--policy", str(POLICIES)], input=line + "\n")
    assert answer.exit_code == 2
    assert "line 1" in answer.output


def test_a_wrong_side_is_wrong_usage() -> None:
    assert runner.invoke(app, ["scan", "--side", "upside"]).exit_code == 2
