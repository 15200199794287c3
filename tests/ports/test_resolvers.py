"""Who a dynamic role is: a file, a service of your own, Slack's profiles (DE6)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest
from msgspec.structs import replace

from app.core.case import Submitter
from app.core.policy import compile_policy
from app.ports.errors import GiveUp, Misconfigured, RetryLater
from app.ports.resolvers import Question, Resolver, question_of, resolver_for, unanswerable
from app.ports.resolvers.configured import profile_problems, resolver_problems, resolvers
from app.ports.resolvers.file import FileResolver
from app.ports.resolvers.profile import SlackProfiles
from app.ports.resolvers.service import HttpResolver
from tests.core.policies import with_roles
from tests.make import a_person, people
from tests.ports.fake_slack import FakeSlack, fake_slack
from tests.ports.far_end import Reply, a_json, closed_port, far_end
from tests.scenes import received

BOOK = """
zone: Europe/Berlin
account_owner:
  cust-881: UVIP1
  https://crm.example/accounts/77: [nora@acme.example, UVIP2]
  100200: U100
manager:
  Ana@Acme.example: ULEAD1
  UAGENT2: UEXEC1
on_call:
  - {from: 2026-03-01 18:00, to: 2026-03-02 10:00, users: USEC1}
  - {from: 2026-03-02T08:30:00+00:00, to: 2026-03-02T12:00:00Z, users: [USEC2, USEC1]}
"""
MONDAY = datetime(2026, 3, 2, 8, 45, tzinfo=UTC)  # 09:45 in Berlin
ASKED = Question(at=MONDAY, initiator_user="UAGENT2", customer_id="cust-881", ticket_id="48213")


@pytest.fixture
def book(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "who.yaml"
        path.write_text(text)
        return path

    return write


# --- a file ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"customer_id": "cust-881"}, ("UVIP1",)),
        ({"customer_id": " CUST-881 "}, ("UVIP1",)),
        ({"customer_id": "cust-9", "account_url": "https://crm.example/accounts/77"}, ("nora@acme.example", "UVIP2")),
        ({"customer_id": "100200"}, ("U100",)),
        ({"customer_id": "cust-9"}, ()),
        ({"customer_id": "", "account_url": ""}, ()),
    ],
)
def test_a_file_names_the_owner_of_an_account(
    book: Callable[[str], Path], asked: dict[str, str], found: tuple[str, ...]
) -> None:
    question = replace(ASKED, **asked)
    assert FileResolver(book(BOOK)).resolve("account_owner", question) == found


def test_a_file_names_managers_by_account_or_address(book: Callable[[str], Path]) -> None:
    there = FileResolver(book(BOOK))
    assert there.resolve("manager_of_initiator", ASKED) == ("UEXEC1",)
    by_mail = replace(ASKED, initiator_user="UAGENT1", initiator_email="ANA@acme.example")
    assert there.resolve("manager_of_initiator", by_mail) == ("ULEAD1",)


@pytest.mark.parametrize(
    ("at", "found"),
    [
        (MONDAY, ("USEC1", "USEC2")),
        (datetime(2026, 3, 1, 17, 0, tzinfo=UTC), ("USEC1",)),
        (datetime(2026, 3, 1, 16, 59, tzinfo=UTC), ()),
        (datetime(2026, 3, 2, 9, 0, tzinfo=UTC), ("USEC2", "USEC1")),
        (datetime(2026, 3, 2, 12, 0, tzinfo=UTC), ()),
    ],
)
def test_a_file_names_who_is_on_call_at_that_moment(
    book: Callable[[str], Path], at: datetime, found: tuple[str, ...]
) -> None:
    assert FileResolver(book(BOOK)).resolve("on_call", replace(ASKED, at=at)) == found


def test_json_does_as_well(book: Callable[[str], Path]) -> None:
    there = FileResolver(book('{"account_owner": {"cust-881": ["UVIP1"]}}'))
    assert there.resolve("account_owner", ASKED) == ("UVIP1",)
    assert there.kinds == {"account_owner"}


def test_a_changed_file_counts_from_the_next_question(book: Callable[[str], Path]) -> None:
    path = book("account_owner: {cust-881: UVIP1}")
    there = FileResolver(path)
    path.write_text("account_owner: {cust-881: UVIP2}")
    os.utime(path, ns=(1, 1))
    assert there.resolve("account_owner", ASKED) == ("UVIP2",)
    path.write_text("account_owner: [")
    os.utime(path, ns=(2, 2))
    with pytest.raises(RetryLater, match="line"):
        there.resolve("account_owner", ASKED)
    path.unlink()
    with pytest.raises(RetryLater, match="cannot be read"):
        there.resolve("account_owner", ASKED)
    path.write_text("account_owner: {cust-881: UVIP1}")
    assert there.resolve("account_owner", ASKED) == ("UVIP1",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("account_owner: {a: U1", "line"),
        ("- just a list", "mistake"),
        ("owner: {a: U11}", "owner"),
        ("account_owner: {secret-account: nobody}", "account_owner"),
        ("account_owner: {secret-account: []}", "account_owner"),
        ("account_owner: {a: U11, A: U12}", "one name twice"),
        ("account_owner: {a: U11, a: U12}", "line"),
        ("account_owner: {' ': U11}", "empty name"),
        ("on_call: [{from: 2026-03-01, to: 2026-03-02, users: U11}]", "on_call[0].from has neither"),
        ("on_call: [{from: soon, to: 2026-03-02, users: U11, zone: UTC}]", "on_call[0].from is no time"),
        ("on_call: [{from: 2026-03-01, to: 2026-03-02, users: U11, zone: Mars}]", "zone"),
        ("on_call: [{from: 2026-03-02, to: 2026-03-01, users: U11, zone: UTC}]", "ends before it begins"),
        ("on_call: [{to: 2026-03-01, users: U11}]", "from"),
        ("a: \x00", "YAML"),
    ],
)
def test_a_mistake_in_the_file_is_said_by_its_key_and_never_by_what_stands_there(
    book: Callable[[str], Path], text: str, said: str
) -> None:
    with pytest.raises(Misconfigured) as error:
        FileResolver(book(text))
    assert str(error.value).startswith("COUNTERSIGN_RESOLVER names a file")
    assert said in str(error.value)
    assert "secret-account" not in str(error.value)


def test_a_file_that_is_not_there_is_said_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="cannot be read"):
        FileResolver(tmp_path / "none.yaml")


# --- a service of your own ---------------------------------------------------------------------------------------


def service(url: str, token: str = "") -> HttpResolver:
    return HttpResolver(url, token, ["127.0.0.1"])


def test_a_service_is_asked_with_what_the_case_says_and_a_bearer_token() -> None:
    with far_end(a_json({"users": ["UVIP1", "nora@acme.example"], "more": 1})) as there:
        found = service(f"{there.url}/who?tenant=7", "resolver-token").resolve("account_owner", ASKED)
    assert found == ("UVIP1", "nora@acme.example")
    (asked,) = there.taken
    assert asked.method == "GET"
    assert asked.headers["authorization"] == "Bearer resolver-token"
    assert parse_qs(urlparse(asked.path).query) == {
        "tenant": ["7"],
        "kind": ["account_owner"],
        "at": ["2026-03-02T08:45:00Z"],
        "initiator_user": ["UAGENT2"],
        "customer_id": ["cust-881"],
        "ticket_id": ["48213"],
    }


def test_no_token_no_header_and_an_empty_answer_is_nobody() -> None:
    with far_end(a_json({"users": []})) as there:
        assert service(there.url).resolve("on_call", ASKED) == ()
    assert "authorization" not in there.taken[0].headers


@pytest.mark.parametrize(
    "body",
    [b"", b"UVIP1", b'["UVIP1"]', b'{"users": "UVIP1"}', b'{"users": ["<!channel>"]}', b'{"users": [1]}', b"\xff"],
)
def test_an_answer_of_another_shape_is_not_asked_for_again(body: bytes) -> None:
    with far_end(Reply(body=body)) as there, pytest.raises(GiveUp, match="users"):
        service(there.url).resolve("on_call", ASKED)


@pytest.mark.parametrize("reply", [Reply(503), Reply(500), Reply(504), Reply(429), Reply(fault="reset")])
def test_a_service_that_is_away_is_asked_again(reply: Reply) -> None:
    with far_end(reply) as there, pytest.raises(RetryLater):
        service(there.url).resolve("on_call", ASKED)


def test_a_service_that_takes_no_connection_is_asked_again() -> None:
    with pytest.raises(RetryLater):
        service(f"http://127.0.0.1:{closed_port()}").resolve("on_call", ASKED)


@pytest.mark.parametrize("status", [301, 401, 404])
def test_a_refusal_is_final_and_no_redirect_is_followed(status: int) -> None:
    reply = Reply(status, headers={"location": "/elsewhere"})
    with far_end(reply) as there, pytest.raises(GiveUp) as error:
        service(there.url, "resolver-token").resolve("on_call", ASKED)
    assert len(there.taken) == 1
    assert "resolver-token" not in str(error.value)


@pytest.mark.parametrize(
    "url",
    ["http://who.example/", "https://10.0.0.7/", "https://user:pass@who.example/", "ftp://who.example/", "https://"],
)
def test_an_address_that_must_not_be_asked_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(Misconfigured, match="COUNTERSIGN_RESOLVER"):
        HttpResolver(url)


def test_a_token_that_cannot_stand_in_a_header_is_refused_at_the_start() -> None:
    with pytest.raises(Misconfigured, match="COUNTERSIGN_RESOLVER_TOKEN"):
        HttpResolver("https://who.example/", "two words")


# --- Slack's profiles --------------------------------------------------------------------------------------------

FIELDS = [
    {"id": "Xf1", "label": "Manager", "type": "text"},
    {"id": "Xf2", "label": "manager", "type": "user"},
]


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with fake_slack() as there:
        there.answers("team.profile.get", {"profile": {"fields": FIELDS}})
        yield there


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"Xf2": {"value": "ULEAD1", "alt": ""}}, ("ULEAD1",)),
        ({"Xf2": {"value": "ULEAD1,ULEAD2"}}, ("ULEAD1", "ULEAD2")),
        ({"Xf1": {"value": "UEXEC1"}}, ()),
        ({"Xf2": {"value": ""}}, ()),
        (None, ()),
        ([], ()),
    ],
)
def test_a_profile_names_the_manager(slack: FakeSlack, fields: Any, found: tuple[str, ...]) -> None:
    slack.answers("users.profile.get", {"profile": {"fields": fields}})
    assert SlackProfiles(slack.client, " Manager ").resolve("manager_of_initiator", ASKED) == found
    assert slack.calls[-1] == ("users.profile.get", {"user": "UAGENT2"})


def test_a_workspace_without_the_field_says_what_to_add(slack: FakeSlack) -> None:
    with pytest.raises(GiveUp, match="COUNTERSIGN_MANAGER_FIELD"):
        SlackProfiles(slack.client, "Boss").resolve("manager_of_initiator", ASKED)


def test_slack_that_is_busy_is_asked_again_and_a_missing_scope_is_not(slack: FakeSlack) -> None:
    there = SlackProfiles(slack.client, "Manager")
    slack.answers("users.profile.get", a_json({"ok": False, "error": "ratelimited"}, 429, retry_after="5"))
    with pytest.raises(RetryLater):
        there.resolve("manager_of_initiator", ASKED)
    slack.answers("users.profile.get", {"ok": False, "error": "missing_scope"})
    with pytest.raises(GiveUp, match="scope"):
        there.resolve("manager_of_initiator", ASKED)


# --- which is asked, and what -------------------------------------------------------------------------------------


def test_your_own_file_is_asked_before_the_profiles(slack: FakeSlack, book: Callable[[str], Path]) -> None:
    available = resolvers(slack.client, str(book("on_call: []")), manager_field="Manager")
    assert named(available) == ["file", "slack"]
    assert name_of(resolver_for("on_call", available)) == "file"
    assert name_of(resolver_for("manager_of_initiator", available)) == "slack"
    assert resolver_for("account_owner", available) is None
    assert named(resolvers(slack.client, "https://who.example/", "t", "Manager")) == ["http", "slack"]
    assert resolvers(slack.client, "", manager_field=" ") == ()


def named(available: tuple[Resolver, ...]) -> list[str]:
    return [resolver.name for resolver in available]


def name_of(resolver: Resolver | None) -> str:
    return resolver.name if resolver else ""


def test_dynamic_roles_that_nobody_can_look_up_are_problems(slack: FakeSlack) -> None:
    lead = {"group": None, "resolver": "manager_of_initiator"}
    roles = compile_policy(with_roles(specialist={"group": None, "resolver": "on_call"}, vip_manager=lead)).roles
    available = resolvers(slack.client, "", manager_field="Boss")
    (unknown,) = resolver_problems(roles, available)
    assert "Role specialist" in unknown
    (field,) = profile_problems(roles, available)
    assert "labelled Boss" in field
    assert profile_problems(roles, resolvers(slack.client, "", manager_field="Manager")) == []
    slack.answers("team.profile.get", Reply(503))
    assert profile_problems(roles, available) == [], "what Slack does not say now is no fault of the profiles"


@pytest.mark.parametrize(
    ("submitted", "user", "email"),
    [
        (Submitter(slack_user="UAGENT2"), "UAGENT2", "uagent2@countersign.example"),
        (Submitter(email="UAGENT2@Countersign.example"), "UAGENT2", "UAGENT2@Countersign.example"),
        (Submitter(email="else@acme.example"), "", "else@acme.example"),
        (Submitter(agent="bot"), "", ""),
        (None, "", ""),
    ],
)
def test_the_question_says_who_submitted_the_case(submitted: Submitter | None, user: str, email: str) -> None:
    question = question_of(received(submitted_by=submitted), people(), MONDAY)
    assert (question.initiator_user, question.initiator_email) == (user, email)
    assert (question.customer_id, question.account_url) == ("cust-881", "https://crm.example/accounts/881")
    why = unanswerable("manager_of_initiator", question, FakeAnswer())
    assert bool(why) is not bool(user or email)
    assert not unanswerable("on_call", question, FakeAnswer())
    assert "COUNTERSIGN_RESOLVER" in unanswerable("on_call", question, None)


def test_somebody_who_left_is_no_initiator_to_ask_a_profile_for() -> None:
    who = people(None, a_person("UAGENT2", deleted=True))
    question = question_of(received(submitted_by=Submitter(email="uagent2@countersign.example")), who, MONDAY)
    assert question.initiator_user == ""


class FakeAnswer:
    name = "fake"
    kinds = frozenset({"manager_of_initiator", "on_call", "account_owner"})

    def resolve(self, kind: Any, question: Question) -> tuple[str, ...]:
        return ()
