"""Bad bodies: each is refused with a document that names the field, and nothing is stored (IN6)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.edges.answers import ProblemOut
from app.edges.body import parse_object
from app.edges.problems import Problem
from tests.edges.api import Api, a_body

WHOLE: dict[str, Any] = a_body(
    ticket={"id": "1", "url": "https://h.example/1", "channel": "email", "subject": "s"},
    customer={
        "id": "c",
        "name": "n",
        "email": "e@x.example",
        "segment": "small",
        "contract_value": 1,
        "currency": "EUR",
        "regulated": False,
        "industry": "i",
        "vip": False,
        "privileged_roles": ["r"],
        "active_escalation": False,
        "timezone": "UTC",
        "crm_ticket_id": "9",
        "account_url": "u",
    },
    messages=[
        {
            "author": "customer",
            "text": "x",
            "at": "2026-03-02T09:00:00Z",
            "attachments": [{"name": "a", "type": "t", "size": 1, "url": "u"}],
        }
    ],
    draft={
        "author": "ai",
        "text": "x",
        "confidence": 0.5,
        "reasoning": "r",
        "sources": [{"title": "t", "url": "u"}],
        "model_name": "m",
        "prompt_template_version": "p",
        "ai_trace_id": "t",
        "suggested_macros": ["m"],
        "next_questions": ["q"],
        "internal_note": "n",
        "summary": "s",
    },
    signals={
        "intent": {"label": "how_to", "confidence": 0.5},
        "sentiment": {"label": "neutral", "confidence": 0.5},
        "language": {"label": "en", "confidence": 0.5},
    },
    requested_action={
        "type": "refund",
        "amount": 1,
        "currency": "EUR",
        "irreversible": False,
        "transaction_verified": False,
        "scope": "single",
    },
    context=[{"label": "l", "value": "v"}],
    submitted_by={"agent": "a"},
    cc=["U1"],
    callback_url="https://example.com/hook",
    deadline="2030-01-01T00:00:00Z",
    metadata={"k": "v"},
)

Path = tuple[str | int, ...]
# Text fields take any text, these take some numbers too.
_TAKES_NUMBERS = {"amount", "contract_value", "confidence", "size", "k"}
_TAKES_TEXT = {"amount", "contract_value"}
_WRONG_TEXT: dict[str, list[str]] = {
    "id": ["", " ", " x", "x ", "a\nb", "a\u0007", "\u200b", "x" * 201],
    "channel": ["pigeon", "Email", ""],
    "author": ["robot", "Customer", ""],
    "scope": ["many", ""],
    "at": ["", "yesterday", "2026-03-02", "2026-03-02T09:00:00", "2026-02-30T09:00:00Z", "0001-01-01T00:00:00+23:59"],
    "deadline": ["", "2026-03-02T09:00:00", "9999-12-31T23:59:59-23:59", "2026-13-01T00:00:00Z", "20260302T090000Z"],
    "currency": ["", "EU", "EURO", "€€€", "E1R", "ÉUR"],
    "contract_value": ["", "a lot", "-1", "NaN", "Infinity", "1_000", "1e40"],
    "callback_url": [
        "",
        "example.com",
        "http://example.com/hook",
        "https://user:pw@example.com/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest",
        "javascript:alert(1)",
        "https://",
        "https://exa mple.com\n/",
        "https://" + "x" * 2000,
    ],
    "agent": ["", "a\u0000b", "x" * 201],
    "subject": ["x" * 1001, "a\u0000b"],
    "text": ["x" * 20_001, "a\u0000b"],
    "reasoning": ["x" * 20_001],
    "name": ["x" * 501],
    "title": ["", "x" * 501],
    "label": ["", "x" * 201],
    "value": ["x" * 1001],
    "type": ["x" * 321],
    "url": ["x" * 2001],
    "crm_ticket_id": ["x" * 201, "9\n0"],
}
_WRONG_NUMBERS: dict[str, list[Any]] = {
    "confidence": [-0.01, 1.01, 2, 10**30, True, "0.5"],
    "size": [-1, 1.5, 10**30, 1e-90, True],
    "contract_value": [-1, True, 1e30, 10**15 + 1],
    "amount": [True, [], {}],
}


def _leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in inner:
        yield from _leaves(item, (*path, name))


def _at(path: Path) -> Any:
    value: Any = WHOLE
    for part in path:
        value = value[part]
    return value


def _with(path: Path, value: Any) -> Any:
    if not path:
        return value
    body = deepcopy(WHOLE)
    holder: Any = body
    for part in path[:-1]:
        holder = holder[part]
    holder[path[-1]] = value
    return body


def _field(path: Path) -> str:
    text = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path)
    return text.removeprefix(".") or "body"


def _wrong_values(path: Path) -> list[Any]:
    value, name = _at(path), str(path[-1]) if path and isinstance(path[-1], str) else ""
    match value:
        case dict():
            return [[], "text", 5, True]
        case list():
            limit = {"messages": 201, "context": 11}.get(name, 51)
            return [{}, "text", 5, False, [value[0]] * limit]
        case bool():
            return ["true", 1, 0, [], {}]
        case str() if name != "k":
            return [True, [], {}, *([] if name in _TAKES_NUMBERS else [5, 1.5]), *_WRONG_TEXT.get(name, [])]
        case _:
            wrong = [[], {}, *_WRONG_NUMBERS.get(name, [])]
            return wrong if name in _TAKES_TEXT or name == "k" else [*wrong, "text"]


MALFORMED = [(path, value) for path in _leaves(WHOLE) for value in _wrong_values(path)]
UNKNOWN = [path for path in _leaves(WHOLE) if isinstance(_at(path), dict) and path != ("metadata",)]
REQUIRED: list[Path] = [
    ("ticket",),
    ("ticket", "id"),
    ("customer",),
    ("customer", "id"),
    ("messages",),
    ("messages", 0, "author"),
    ("messages", 0, "text"),
    ("messages", 0, "attachments", 0, "name"),
    ("draft", "text"),
    ("draft", "sources", 0, "title"),
    ("signals", "intent", "label"),
    ("signals", "intent", "confidence"),
    ("signals", "language", "label"),
    ("requested_action", "type"),
    ("context", 0, "label"),
    ("context", 0, "value"),
]


def _refused(api: Api, body: Any, field: str, *statuses: int) -> None:
    answer = api.post_raw(body if isinstance(body, bytes) else json.dumps(body).encode())
    assert answer.status_code in (statuses or (422,)), (field, answer.text[:300])
    assert answer.headers["content-type"] == "application/problem+json"
    document = ProblemOut.model_validate(answer.json())
    fields = [error.field for error in document.errors]
    assert any(f == field or f.startswith((field + "[", field + ".")) for f in fields), (field, fields)


def test_two_hundred_and_more_wrong_values_are_each_named_and_none_is_stored(api: Api) -> None:
    assert len(MALFORMED) > 200
    assert api.post("/v1/cases", WHOLE).status_code == 202
    before = api.counts()
    for path, value in MALFORMED:
        _refused(api, _with(path, value), _field(path))
    assert api.counts() == before


def test_missing_and_unknown_fields_are_named(api: Api) -> None:
    before = api.counts()
    for path in REQUIRED:
        body = deepcopy(WHOLE)
        holder: Any = body
        for part in path[:-1]:
            holder = holder[part]
        del holder[path[-1]]
        _refused(api, body, _field(path))
        _refused(api, _with(path, None), _field(path))
    for path in UNKNOWN:
        _refused(api, _with(path, {**_at(path), "unheard_of": 1}), _field((*path, "unheard_of")))
    assert api.counts() == before


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"author": "agent", "text": "x"}]}, "messages"),
        ({"draft": {"text": " \n"}}, "draft.text"),
        ({"draft": {"text": ""}}, "draft.text"),
        ({"draft": {"text": "x", "attachments": [{"name": "a.pdf"}]}}, "draft.attachments"),
        ({"submitted_by": {}}, "submitted_by"),
        ({"submitted_by": {"agent": "a", "email": "a@b.example"}}, "submitted_by"),
        ({"submitted_by": {"email": "not an address"}}, "submitted_by.email"),
        ({"submitted_by": {"slack_user": "<@U1>"}}, "submitted_by.slack_user"),
        ({"signals": {"sentiment": {"label": "furious", "confidence": 1}}}, "signals.sentiment.label"),
        ({"signals": {"language": {"label": "en_US!", "confidence": 1}}}, "signals.language.label"),
        ({"requested_action": {"type": "refund", "amount": "9" * 201}}, "requested_action.amount"),
        ({"metadata": {"k": None}}, "metadata.k"),
        ({"metadata": {"k": "x" * 1001}}, "metadata.k"),
        ({"metadata": {"": "x"}}, "metadata"),
        ({"metadata": {str(n): n for n in range(51)}}, "metadata"),
        ({"cc": ["U1", ""]}, "cc[1]"),
    ],
)
def test_what_a_field_alone_cannot_tell(api: Api, change: dict[str, Any], field: str) -> None:
    _refused(api, a_body(**change), field)
    assert api.counts()[0] == 0


def test_plain_http_is_taken_for_hosts_that_were_named(api: Api) -> None:
    answer = api.post("/v1/cases", a_body(callback_url="http://hooks.internal/cs"))
    assert answer.status_code == 202


_SMALL = b'"ticket":{"id":"1"},"customer":{"id":"1"},"messages":[{"author":"customer","text":"x"}]'
RAW: list[tuple[bytes, str, int]] = [
    (b"", "body", 400),
    (b"   ", "body", 400),
    (b"{", "body", 400),
    (b"{}{}", "body", 400),
    (b"{'a': 1}", "body", 400),
    (b'{"a": 1,}', "body", 400),
    (b'{"a": 01}', "body", 400),
    (b'{"a": "\n"}', "body", 400),
    (b'\xef\xbb\xbf{"a": 1}', "body", 400),
    (b'{"a": "\xff"}', "body", 400),
    (b'{"a": "\xed\xa0\x80"}', "body", 400),
    ('{"a": 1}'.encode("utf-16"), "body", 400),
    (b'"text"', "body", 422),
    (b"[]", "body", 422),
    (b"null", "body", 422),
    (b"[" * 500_000, "body", 422),
    (b'{"a":' * 100_000, "body", 422),
    (b'{"a":' * 33 + b"1" + b"}" * 33, "body", 422),
    (b'{"a": NaN}', "a", 422),
    (b'{"a": [0, -Infinity]}', "a[1]", 422),
    (b'{"a": 1e99999999999999999999}', "a", 422),
    (b'{"a": ' + b"9" * 5000 + b"}", "a", 422),
    (b'{"a": {"b": 1, "b": 1}}', "a.b", 422),
    (b"{" + _SMALL + b', "ticket": {"id": "2"}}', "ticket", 422),
    (b'{"a": "\\ud800"}', "a", 422),
    (b'{"a": "x\\u0000y"}', "a", 422),
    (b'{"a\\u0000": 1}', "a?", 422),
    (b'{"\\udfff": 1}', "?", 422),
    (b'{"a": [' + b"0," * 2000 + b"0]}", "a", 422),
    (b"{" + b",".join(b'"%d":0' % n for n in range(5000)) + b"}", "body", 422),
]


@pytest.mark.parametrize(("body", "field", "status"), RAW, ids=range(len(RAW)))
def test_bytes_that_are_no_json_of_ours(api: Api, body: bytes, field: str, status: int) -> None:
    _refused(api, body, field, status)
    assert api.counts()[0] == 0


def test_depth_is_counted_from_the_outermost_object_and_not_inside_text() -> None:
    assert parse_object(b'{"a":' * 32 + b"1" + b"}" * 32)
    assert parse_object(b'{"a": "' + b"[{" * 500 + b'\\"[[["}')
    assert parse_object(b'{"a": [' + b"[],{}," * 400 + b"[]]}")
    with pytest.raises(Problem):
        parse_object(b'{"a": "\\\\"' + b', "b": ["' + b"]" * 40 + b'"' + b",[" * 40)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_of_exactly_one_mebibyte_is_read_and_one_more_byte_is_413(api: Api, chunked: bool) -> None:
    def sent(size: int) -> int:
        content = (b"{" + _SMALL + b"}").ljust(size)

        async def pieces() -> AsyncIterator[bytes]:
            for start in range(0, size, 65_536):
                yield content[start : start + 65_536]

        answer = api.post(
            "/v1/cases", content=pieces() if chunked else content, headers={"content-type": "application/json"}
        )
        if answer.status_code != 202:
            assert answer.json()["errors"][0]["field"] == "body"
        return answer.status_code

    assert sent(1 << 20) == 202
    assert sent((1 << 20) + 1) == 413
    assert sent(3 << 20) == 413
    assert api.counts()[0] == 1


def test_the_other_bodies_are_as_strict(api: Api) -> None:
    case = api.submit()
    before = api.counts()
    wrong: list[tuple[str, Any, str]] = [
        ("messages", {}, "text"),
        ("messages", {"text": 1}, "text"),
        ("messages", {"text": "x", "author": "agent"}, "author"),
        ("messages", {"text": "x" * 20_001}, "text"),
        ("messages", {"text": "x", "at": "now"}, "at"),
        ("drafts", {}, "text"),
        ("drafts", {"text": "x", "author": "robot"}, "author"),
        ("drafts", {"text": "x", "version": 7}, "version"),
        ("drafts", {"text": "x", "attachments": [1]}, "attachments"),
        ("action-result", {}, "status"),
        ("action-result", {"status": "done"}, "status"),
        ("action-result", {"status": "succeeded", "amount": []}, "amount"),
        ("withdraw", {"reason": 5}, "reason"),
        ("withdraw", {"why": "x"}, "why"),
        ("withdraw", [], "body"),
    ]
    for path, body, field in wrong:
        answer = api.post_raw(json.dumps(body).encode(), f"/v1/cases/{case['id']}/{path}")
        assert answer.status_code == 422, (path, body)
        assert answer.json()["errors"][0]["field"] == field
    assert api.counts() == before


_json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@settings(
    max_examples=150, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(path=st.sampled_from(list(_leaves(WHOLE))), value=_json_values)
def test_any_json_in_any_place_is_taken_or_refused_but_never_breaks(api: Api, path: Path, value: Any) -> None:
    answer = api.post_raw(json.dumps(_with(path, value)).encode())
    assert answer.status_code in (202, 400, 422), answer.text
    assert answer.status_code == 202 or answer.json()["errors"]


@settings(
    max_examples=150, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(at=st.integers(0, 2000), cut=st.integers(0, 5), put=st.binary(max_size=5))
def test_a_damaged_body_never_breaks(api: Api, at: int, cut: int, put: bytes) -> None:
    body = json.dumps(WHOLE).encode()
    at %= len(body)
    answer = api.post_raw(body[:at] + put + body[at + cut :])
    assert answer.status_code in (202, 400, 422), answer.text
