"""API keys and their scopes (IN7, CO2, CO3)."""

from __future__ import annotations

import pytest

from app.edges.keys import SCOPES, ApiKey, ApiKeys, BadApiKeys
from app.ports.callbacks import derive_callback_secret
from db.store import Store
from tests.edges.api import Api, a_body, an_api


def test_keys_are_read_with_and_without_scopes() -> None:
    keys = ApiKeys.parse(" bot:s1 , audit-tool:s2:audit+read,, pay:s3:assert_transaction ")

    assert keys.find("s1") == ApiKey(name="bot", scopes=frozenset({"submit", "read"}))
    assert keys.find("s2") == ApiKey(name="audit-tool", scopes=frozenset({"audit", "read"}))
    assert keys.find("s3") == ApiKey(name="pay", scopes=frozenset({"assert_transaction"}))
    assert len(keys) == 3


@pytest.mark.parametrize("secret", ["", "s", "s11", "S1", "bot:s1", "é", "s1 "])
def test_only_the_whole_secret_opens(secret: str) -> None:
    assert ApiKeys.parse("bot:s1").find(secret) is None


def test_no_keys_open_nothing() -> None:
    assert ApiKeys.parse("").find("") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("justasecret-hush", "entry 1"),
        ("a:hush:read:more", "entry 1"),
        ("ok:fine,:hush", "the name of entry 2"),
        ("a b:hush", "the name of entry 1"),
        ("a:", "the secret of a"),
        ("a:hüsh-hush", "the secret of a"),
        ("a:hush:write", "a has an unknown scope"),
        ("a:hush:", "a has no scope"),
        ("a:hush,a:hush2", "two keys are named a"),
        ("a:hush,b:hush", "b has the secret of another key"),
    ],
)
def test_a_wrong_entry_is_named_and_its_secret_is_not(text: str, said: str) -> None:
    with pytest.raises(BadApiKeys) as caught:
        ApiKeys.parse(text)
    assert said in str(caught.value)
    assert "COUNTERSIGN_API_KEYS" in str(caught.value)
    assert "hush" not in str(caught.value)
    assert "hüsh" not in str(caught.value)


def test_nothing_printed_holds_a_secret() -> None:
    keys = ApiKeys.parse("bot:hush")
    assert "hush" not in repr(keys)
    assert "hush" not in repr(keys.find("hush"))


def test_callbacks_are_signed_with_a_secret_of_the_key() -> None:
    assert ApiKeys.parse("bot:hush").callback_secrets() == {"bot": derive_callback_secret("hush")}


ENDPOINTS = {
    ("POST", ""): "submit",
    ("GET", ""): "read",
    ("GET", "/{id}"): "read",
    ("POST", "/{id}/withdraw"): "submit",
    ("POST", "/{id}/messages"): "submit",
    ("POST", "/{id}/drafts"): "submit",
    ("POST", "/{id}/action-result"): "assert_transaction",
    ("GET", "/{id}/audit"): "audit",
}
_ONE_EACH = ",".join(f"{scope}-only:{scope}-secret:{scope}" for scope in SCOPES)


def test_every_endpoint_needs_its_scope_and_no_other(sqlite_url: str) -> None:
    store = Store(sqlite_url)
    with an_api(store, keys=_ONE_EACH) as api:
        case_id = api.post("/v1/cases", a_body(), secret="submit-secret").json()["id"]
        before = api.counts()
        seen = {}
        for (method, path), needed in ENDPOINTS.items():
            for scope in SCOPES:
                if scope == needed:
                    continue
                answer = api.call(method, "/v1/cases" + path.format(id=case_id), f"{scope}-secret")
                seen[method, path, scope] = answer.status_code
                assert answer.json()["code"] == "missing_scope"
                assert needed in answer.json()["detail"]
        assert set(seen.values()) == {403}
        assert len(seen) == len(ENDPOINTS) * (len(SCOPES) - 1)
        assert api.counts() == before
        allowed = [
            api.call(method, "/v1/cases" + path.format(id=case_id), f"{needed}-secret").status_code
            for (method, path), needed in ENDPOINTS.items()
        ]
        assert not {401, 403} & set(allowed)
    store.close()


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer nope",
        "Basic ZnVsbDpmdWxsLXNlY3JldA==",
        "full-secret",
        "Bearer full:full-secret",
    ],
)
def test_without_a_known_key_every_case_address_is_401(api: Api, header: str | None) -> None:
    for method, path in ENDPOINTS:
        headers = {} if header is None else {"authorization": header}
        address = "/v1/cases" + path.format(id="c_0000000000000000")
        answer = api.call(method, address, secret=None, headers=headers, content=b"{not json")
        assert answer.status_code == 401, (method, path)
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["code"] == "unauthorized"
    assert api.counts()[0] == 0


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/docs", "/openapi.json"])
def test_health_and_descriptions_are_open(api: Api, path: str) -> None:
    assert api.get(path, secret=None).status_code == 200
