"""What callers read of a case is what OpenAPI says (CO4)."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from app.core.messages import Approve
from app.edges.answers import CaseOut
from app.edges.case_json import case_json
from tests.edges.api import Api
from tests.make import a_case, a_high_case, an_approval


@pytest.mark.parametrize(
    "case",
    [
        a_case(),
        a_case(assessment=None, state="received", drafts=(), packets=()),
        a_high_case(),
        replace(a_high_case(), approvals=(an_approval(a_high_case()),), superseded_by="c_1234567"),
    ],
    ids=["low", "bare", "high", "approved once"],
)
def test_case_json_is_what_openapi_says(case: Any) -> None:
    shown = case_json(case)
    assert CaseOut.model_validate(shown, strict=True).model_dump(mode="json") == shown


def test_an_approval_shows_who_and_as_what(api: Api) -> None:
    case = api.submit(
        draft={"text": "Please see our opening hours page.", "confidence": 0.97},
        signals={
            "intent": {"label": "opening_hours", "confidence": 0.99},
            "sentiment": {"label": "neutral", "confidence": 0.9},
            "language": {"label": "en", "confidence": 0.99},
        },
        customer={"id": "c", "segment": "standard"},
    )
    assert (case["tier"], case["approval"]["required"]) == ("low", True)
    api.engine.handle(Approve(case_id=case["id"], user="UAGENT2", seen=case["draft"]["request_hash"]))

    shown = api.get(f"/v1/cases/{case['id']}").json()
    assert shown["approval"]["outcome"] == "approved"
    assert shown["approval"]["by"] == "UAGENT2"
    assert shown["approval"]["approvals"][0]["request_hash"] == case["draft"]["request_hash"]
    CaseOut.model_validate(shown, strict=True)
