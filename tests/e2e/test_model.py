"""A configured language model behind the running product: read first, draft where none came, never in the way."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.running import Office
from tests.e2e.town import CALM, Json, Town, low_body, signals, wait_for
from tests.ports.far_end import FarEnd, Received, Reply, far_end
from tests.ports.llm_far_end import DRAFT, READ, chat_completion

WORDS = "Where is order A-7731? I paid 240 EUR on 3 November."


class Vendor:
    """Answers as told: `broken` is what it does instead."""

    def __init__(self) -> None:
        self.read: dict[str, Any] = READ
        self.broken: Reply | None = None

    def __call__(self, request: Received) -> Reply:
        if self.broken:
            return self.broken
        name = request.json["response_format"]["json_schema"]["name"]
        return chat_completion({**DRAFT, "text": CALM} if "draft" in name else self.read)


@pytest.fixture(scope="module")
def vendor() -> Vendor:
    return Vendor()


@pytest.fixture(scope="module")
def there(vendor: Vendor) -> Iterator[FarEnd]:
    with far_end(vendor) as opened:
        yield opened


@pytest.fixture(scope="module")
def office(
    shared_town: Town, sqlite_template: Path, there: FarEnd, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    path = tmp_path_factory.mktemp("office") / "countersign.db"
    shutil.copyfile(sqlite_template, path)
    model = {
        "COUNTERSIGN_LLM_KIND": "openai",
        "COUNTERSIGN_LLM_URL": there.url,
        "COUNTERSIGN_LLM_MODEL": "m",
        "COUNTERSIGN_LLM_API_KEY": "k",
    }
    office = Office(shared_town, f"sqlite:///{path}", **model)
    yield office
    office.stop()


@pytest.fixture(autouse=True)
def well(vendor: Vendor) -> Iterator[None]:
    yield
    vendor.read, vendor.broken = READ, None


def a_body(town: Town, **changes: Any) -> Json:
    return low_body(town.ticket(), messages=[{"author": "customer", "text": WORDS}], **changes)


def test_the_models_reading_raises_the_tier_before_anybody_is_asked(town: Town, office: Office, vendor: Vendor) -> None:
    vendor.read = {**READ, "intent": "legal_question", "intent_confidence": 0.97}
    case_id = town.submit(a_body(town))
    case = town.reaches(case_id, "pending")
    assert (case["tier"], case["route"]["role"]) == ("high", "legal_approver")
    assert case["signals"]["intent"]["label"] == "shipping_status"
    wait_for(lambda: town.events(case_id, "PacketPosted"), "the packet")
    order = [e["type"] for e in town.events(case_id)]
    assert order.index("CaseUnderstood") < order.index("PacketPosted")


def test_it_writes_a_draft_that_people_decide_about(town: Town, office: Office) -> None:
    body = a_body(town)
    del body["draft"]
    case_id = town.submit(body)
    case = town.reaches(case_id, "pending")
    assert case["draft"] == {**case["draft"], "author": "ai", "text": CALM, "version": 1}
    assert case["approval"]["required"] is True
    assert [e["data"]["what"] for e in town.events(case_id, "ModelAsked")] == ["ModelReading", "ModelDraft"]


@pytest.mark.parametrize(
    "broken",
    [Reply(401), Reply(529), chat_completion("no JSON"), chat_completion("", refusal="I would rather not.")],
    ids=["no access", "overloaded", "no JSON", "refusal"],
)
def test_a_model_in_trouble_keeps_nobody_waiting(town: Town, office: Office, vendor: Vendor, broken: Reply) -> None:
    vendor.broken = broken
    body = a_body(town, signals=signals("shipping_status"))
    case_id = town.submit(body)
    if broken.status == 529:  # asked again until its time is up
        office.clock.advance(11)
    case = town.reaches(case_id, "pending")
    assert case["tier"] == "low"
    assert town.events(case_id, "ModelGaveUp")
