"""The same request twice is one case (IN2)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from app.edges.body import content_digest, parse_object
from db.store import Store
from tests.edges.api import Api, a_body, an_api

KEY = {"Idempotency-Key": "order-1"}


def test_a_repeat_gets_the_first_answer_to_the_byte_and_stores_nothing(api: Api) -> None:
    first = api.post("/v1/cases", a_body(), headers=KEY)
    api.post(f"/v1/cases/{first.json()['id']}/withdraw")
    before = api.counts()
    again = api.post("/v1/cases", a_body(), headers=KEY)

    assert (first.status_code, again.status_code) == (202, 202)
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert api.counts() == before


def test_spacing_order_escapes_and_how_a_number_is_written_make_no_other_content(api: Api) -> None:
    head = {"content-type": "application/json", **KEY}
    one = (
        b'{"ticket":{"id":"1"},"customer":{"id":"\\u00e9"},"messages":[{"author":"customer","text":"x"}],'
        b'"requested_action":{"type":"refund","amount":50.10}}'
    )
    two = (
        ' {"requested_action": {"amount": 5010e-2, "type": "refund"}, "customer": {"id": "é"},\n'
        '"messages": [{"text": "x", "author": "customer"}], "ticket": {"id": "1"}} '
    ).encode()
    first = api.post("/v1/cases", content=one, headers=head)
    again = api.post("/v1/cases", content=two, headers=head)

    assert (first.status_code, again.status_code) == (202, 202)
    assert again.content == first.content


@pytest.mark.parametrize(
    "change",
    [
        {"customer": {"id": "cust-882"}},
        {"draft": None},
        {"metadata": {}},
        {"requested_action": {"type": "refund", "amount": "50"}},
    ],
)
def test_the_same_key_with_other_content_is_a_conflict_and_changes_nothing(api: Api, change: dict[str, object]) -> None:
    first = api.post("/v1/cases", a_body(), headers=KEY)
    before = api.counts()
    other = api.post("/v1/cases", a_body(**change), headers=KEY)

    assert other.status_code == 409
    assert other.json()["code"] == "idempotency_conflict"
    assert api.counts() == before
    assert api.get(f"/v1/cases/{first.json()['id']}").json()["state"] == "pending"


def test_two_callers_may_use_the_same_key(api: Api) -> None:
    mine = api.post("/v1/cases", a_body(ticket={"id": "1"}), secret="basic-secret", headers=KEY)
    theirs = api.post("/v1/cases", a_body(ticket={"id": "2"}), secret="other-secret", headers=KEY)

    assert (mine.status_code, theirs.status_code) == (202, 202)
    assert mine.json()["id"] != theirs.json()["id"]


def test_a_key_is_one_request_at_any_address(api: Api) -> None:
    case = api.post("/v1/cases", a_body(), headers=KEY).json()
    elsewhere = api.post(f"/v1/cases/{case['id']}/messages", {"text": "x"}, headers=KEY)
    assert elsewhere.status_code == 409


def test_a_repeated_message_supersedes_once(api: Api) -> None:
    case = api.submit()
    path, body, head = f"/v1/cases/{case['id']}/messages", {"text": "Hello?"}, {"Idempotency-Key": "m1"}
    first, again = api.post(path, body, headers=head), api.post(path, body, headers=head)

    assert again.content == first.content
    assert api.counts()[0] == 2


def test_a_refused_request_is_not_remembered(api: Api) -> None:
    bad = api.post("/v1/cases", a_body(customer={}), headers=KEY)
    good = api.post("/v1/cases", a_body(), headers=KEY)
    assert (bad.status_code, good.status_code) == (422, 202)


@pytest.mark.parametrize("key", ["", " ", "x" * 201, "tab\there", "ü"])
def test_a_key_of_the_wrong_form_is_named(api: Api, key: str) -> None:
    answer = api.post("/v1/cases", a_body(), headers={"Idempotency-Key": key.encode("latin-1")})  # type: ignore[dict-item]

    assert answer.status_code == 422
    assert answer.json()["errors"][0] == {
        "field": "Idempotency-Key",
        "in": "header",
        "detail": answer.json()["errors"][0]["detail"],
    }
    assert api.counts()[0] == 0


def test_twenty_racing_callers_with_one_key_make_one_case(store: Store) -> None:
    with an_api(store) as api:

        def submit(_: int) -> httpx.Response:
            return api.post("/v1/cases", a_body(), headers=KEY)

        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(submit, range(20)))

        assert {a.status_code for a in answers} == {202}
        assert len({a.content for a in answers}) == 1
        assert api.counts()[0] == 1
        with api.engine.store.reading() as reader:
            received = [e for e in reader.events(answers[0].json()["id"]) if e.type == "CaseReceived"]
        assert len(received) == 1


def test_twenty_racing_cases_on_one_ticket_leave_one_open(api: Api) -> None:
    def submit(n: int) -> httpx.Response:
        return api.post("/v1/cases", a_body(metadata={"n": n}))

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(submit, range(20)))

    assert {a.status_code for a in answers} == {202}
    states = [case["state"] for case in api.get("/v1/cases?limit=100").json()["items"]]
    assert states.count("pending") == 1
    assert states.count("superseded") == 19


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ('{"a":1}', '{"a":1.0}', True),
        ('{"a":100}', '{"a":1e2}', True),
        ('{"a":0.1}', '{"a":0.10}', True),
        ('{"a":-0}', '{"a":0}', True),
        ('{"a":1}', '{"a":"1"}', False),
        ('{"a":1}', '{"a":true}', False),
        ('{"a":null}', "{}", False),
        ('{"a":[1,2]}', '{"a":[2,1]}', False),
        ('{"a":9007199254740993}', '{"a":9007199254740992}', False),
        ('{"a":9007199254740993}', '{"a":9007199254740993.0}', True),
        ('{"a":0.1}', '{"a":0.10000000000000000001}', False),
        ('{"a":1e400}', '{"a":2e400}', False),
        ('{"a":1e400}', '{"a":10e399}', True),
        ('{"a":123456789012345678901234567890123}', '{"a":123456789012345678901234567890124}', False),
    ],
)
def test_equal_content_is_equal_canonical_json_and_no_amount_is_rounded_into_another(
    one: str, other: str, equal: bool
) -> None:
    digests = [content_digest(parse_object(text.encode())) for text in (one, other)]
    assert (digests[0] == digests[1]) is equal
