from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from app.ports.directory import RoleSource, SlackDirectory
from app.ports.errors import GiveUp, RetryLater
from tests.ports.fake_slack import FakeSlack, fake_slack
from tests.ports.far_end import Reply, a_json

ROLES = {
    "support_agent": RoleSource(group="support-agents", channel="support-review"),
    "support_lead": RoleSource(users=("LEAD@acme.test", "U4"), channel="support-escalations"),
}


@dataclass
class World:
    """Time, and a queue of background work that a test runs when it wants to."""

    now: float = 1000.0
    queued: list[Callable[[], None]] = field(default_factory=list)

    def run(self) -> None:
        work, self.queued = self.queued, []
        for each in work:
            each()


def a_user(user_id: str, email: str = "", **changes: Any) -> dict[str, Any]:
    profile = {"display_name": "", "real_name": f"Name {user_id}", "email": email}
    return {"id": user_id, "team_id": "T1", "profile": profile, **changes}


def paged(key: str, items: list[dict[str, Any]]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Two a page."""

    def answer(arguments: dict[str, Any]) -> dict[str, Any]:
        at = int(arguments.get("cursor") or 0)
        more = at + 2 < len(items)
        return {key: items[at : at + 2], "response_metadata": {"next_cursor": str(at + 2) if more else ""}}

    return answer


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with fake_slack() as there:
        users = [
            a_user("U1", "ada@acme.test"),
            a_user("U2", "lead@acme.test"),
            a_user("U3", "guest@acme.test", is_restricted=True),
            a_user("U4"),
            a_user("U5", deleted=True),
            a_user("B1", is_bot=True),
        ]
        channels = [
            {"id": "C1", "name": "support-review", "is_member": True},
            {"id": "C2", "name": "support-escalations", "is_member": True},
            {"id": "C3", "name": "random", "is_member": False},
        ]
        there.methods["users.list"] = paged("members", users)
        there.methods["conversations.list"] = paged("channels", channels)
        there.answers("auth.test", {"url": "https://acme.slack.test/", "user_id": "B1"})
        set_group(there, ["U1", "U3", "U5"])
        yield there


def set_group(slack: FakeSlack, users: list[str], **changes: Any) -> None:
    group = {"id": "S1", "handle": "support-agents", "date_delete": 0, "users": users, **changes}
    slack.answers("usergroups.list", {"usergroups": [group]})


@pytest.fixture
def world() -> World:
    return World()


def directory(slack: FakeSlack, world: World, roles: dict[str, RoleSource] | None = None) -> SlackDirectory:
    return SlackDirectory(
        slack.client,
        ROLES if roles is None else roles,
        clock=lambda: world.now,
        background=lambda work: world.queued.append(work),
    )


def test_people_roles_channels_and_groups_are_read_over_pages(slack: FakeSlack, world: World) -> None:
    people = directory(slack, world).load()
    assert people.roles["support_agent"] == {"U1", "U3", "U5"}
    assert people.roles["support_lead"] == {"U2", "U4"}
    assert people.channels == {"support-review": "C1", "support-escalations": "C2", "random": "C3"}
    assert people.groups == {"support_agent": "S1"}
    assert people.find("U1").name == "Name U1"
    assert [p.user_id for p in people.members("support_agent")] == ["U1"], "no guest, nobody deactivated"
    assert people.find("B1").is_bot
    assert people.workspace_url == "https://acme.slack.test/"


def test_a_group_that_came_without_its_people_is_asked_for_them(slack: FakeSlack, world: World) -> None:
    group = {"id": "S1", "handle": "support-agents", "date_delete": 0, "user_count": "2"}
    slack.answers("usergroups.list", {"usergroups": [group]})
    slack.answers("usergroups.users.list", {"users": ["U1", "U4"]})
    assert directory(slack, world).load().roles["support_agent"] == {"U1", "U4"}


def test_a_well_set_up_workspace_has_no_problems(slack: FakeSlack, world: World) -> None:
    set_group(slack, ["U1"])
    found = directory(slack, world)
    found.load()
    assert found.problems() == []


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (RoleSource(group="nobody-here"), "@nobody-here does not exist"),
        (RoleSource(users=("U3",)), "no member who may decide"),
        (RoleSource(), "no member who may decide"),
        (RoleSource(users=("",)), "no member who may decide"),
        (RoleSource(users=("U3", "U5")), "U3 (a guest), U5 (deactivated)"),
        (RoleSource(users=("U1", "gone@acme.test")), "entry 2 (not in this workspace)"),
        (RoleSource(users=("U1", "U99")), "U99 (not in this workspace)"),
        (RoleSource(users=("U1", "B1")), "B1 (a bot)"),
        (RoleSource(group="support-agents"), "U3 (a guest), U5 (deactivated) cannot decide"),
        (RoleSource(users=("U1",), channel="missing"), "#missing"),
        (RoleSource(users=("U1",), channel="random"), "/invite"),
    ],
)
def test_each_fault_of_a_role_is_a_sentence(slack: FakeSlack, world: World, source: RoleSource, said: str) -> None:
    found = directory(slack, world, {"legal_approver": source})
    found.load()
    (problem,) = found.problems()
    assert said in problem
    assert "gone@acme.test" not in problem


def test_who_cannot_decide_is_named_once_and_the_others_go_on(slack: FakeSlack, world: World) -> None:
    set_group(slack, ["U1", "U5", "UX", *(f"W{number:02}" for number in range(20))])
    strangers = {"UX": {"user": a_user("UX", "x@else.test", is_stranger=True)}}
    slack.methods["users.info"] = lambda a: strangers.get(a["user"], {"ok": False, "error": "user_not_found"})
    found = directory(slack, world)
    people = found.load()
    (problem,) = found.problems()
    assert "U5 (deactivated), UX (of another workspace), W00 (not shown by Slack)" in problem
    assert "and 12 more" in problem
    assert "x@else.test" not in problem
    assert [p.user_id for p in people.members("support_agent")] == ["U1"]


def test_a_new_problem_is_logged_once(slack: FakeSlack, world: World, caplog: pytest.LogCaptureFixture) -> None:
    set_group(slack, ["U1"])
    found = directory(slack, world)
    found.load()
    set_group(slack, [])
    for _ in range(2):
        world.now += 30
        found.snapshot()
        world.run()
    assert [r.getMessage() for r in caplog.records if "no member" in r.getMessage()] == found.problems()


GRID = {"id": "W1", "teams": ["T1"]}


def test_both_ids_of_somebody_in_an_enterprise_grid_are_one_person(slack: FakeSlack, world: World) -> None:
    """Whichever of them a group, a list or a click names; the address may be hidden from the app."""
    there = a_user("U1", enterprise_user=GRID)
    slack.answers("users.list", {"members": [there, a_user("U2", "lead@acme.test")]})
    seen_as = {"W1": {"user": {**there, "team_id": "T-home"}}}
    slack.methods["users.info"] = lambda a: seen_as.get(a["user"], {"ok": False, "error": "user_not_found"})
    set_group(slack, ["W1"])
    roles = {**ROLES, "legal_approver": RoleSource(users=("W1",)), "qa": RoleSource(users=("U1",))}
    found = directory(slack, world, roles)
    found.load()
    people = found.snapshot()
    assert people.find("W1").may_decide, "of this workspace, though another is home"
    for account in ("U1", "W1"):
        assert people.roles_of(account) == {"support_agent", "legal_approver", "qa"}
    assert len(people.members("support_agent")) == 1
    assert found.ensure("W1").keys & found.ensure("U1").keys


def test_an_organization_id_lends_nothing_to_a_stranger(slack: FakeSlack, world: World) -> None:
    slack.answers("users.list", {"members": [a_user("U2", enterprise_user=GRID)]})
    stranger = a_user("UX", team_id="T-other", enterprise_user={"id": "W1", "teams": ["T-other"]})
    slack.answers("users.info", {"user": stranger})
    found = directory(slack, world, {"qa": RoleSource(users=("W1",))})
    found.load()
    assert found.ensure("UX").key == "UX"
    assert found.snapshot().roles_of("UX") == frozenset()
    assert found.snapshot().roles_of("U2") == {"qa"}


def test_a_role_that_is_resolved_when_needed_needs_no_members(slack: FakeSlack, world: World) -> None:
    found = directory(slack, world, {"on_call": RoleSource(dynamic=True)})
    assert found.load().roles == {}
    assert found.problems() == []


def test_an_empty_group_and_a_disabled_one_are_problems(slack: FakeSlack, world: World) -> None:
    set_group(slack, [])
    found = directory(slack, world)
    found.load()
    assert any("no member" in p for p in found.problems())
    set_group(slack, ["U1"], date_delete=1700000000)
    assert found.load().roles["support_agent"] == set()
    assert any("disabled" in p for p in found.problems())


@pytest.mark.parametrize("code", ["missing_scope", "paid_teams_only", "unknown_method"])
def test_a_workspace_without_user_groups_works_by_lists(slack: FakeSlack, world: World, code: str) -> None:
    slack.answers("usergroups.list", {"ok": False, "error": code})
    found = directory(slack, world)
    assert found.load().roles == {"support_agent": frozenset(), "support_lead": frozenset({"U2", "U4"})}
    (problem,) = found.problems()
    assert "support_agent" in problem
    assert "users:" in problem


def test_a_snapshot_is_at_once_and_refreshed_behind(slack: FakeSlack, world: World) -> None:
    found = directory(slack, world)
    assert found.snapshot().roles == {}, "nobody has a role before Slack was read"
    world.run()
    assert "U1" in found.snapshot().roles["support_agent"]
    set_group(slack, ["U4"])
    world.now += 29
    assert found.snapshot().roles["support_agent"] == {"U1", "U3", "U5"}
    assert world.queued == []
    world.now += 1
    found.snapshot()
    found.snapshot()
    assert len(world.queued) == 1
    world.run()
    assert found.snapshot().roles["support_agent"] == {"U4"}


def test_a_refresh_reads_groups_often_and_people_seldom(slack: FakeSlack, world: World) -> None:
    found = directory(slack, world)
    found.load()
    slack.calls.clear()
    world.now += 30
    found.snapshot()
    world.run()
    assert slack.names() == ["usergroups.list"]
    world.now += 300
    found.snapshot()
    world.run()
    assert "users.list" in slack.names()
    assert "conversations.list" in slack.names()


def test_a_channel_somebody_mends_is_seen_at_the_next_refresh(slack: FakeSlack, world: World) -> None:
    found = directory(slack, world, {"qa": RoleSource(users=("U1",), channel="random")})
    found.load()
    slack.answers("conversations.list", {"channels": [{"id": "C3", "name": "random", "is_member": True}]})
    world.now += 30
    found.snapshot()
    world.run()
    assert found.problems() == []


def test_a_group_member_nobody_knows_is_asked_for(slack: FakeSlack, world: World) -> None:
    found = directory(slack, world)
    found.load()
    set_group(slack, ["U1", "U7", "U8"])
    known = {"U7": {"user": a_user("U7", "new@acme.test")}}
    slack.methods["users.info"] = lambda a: known.get(a["user"], {"ok": False, "error": "user_not_found"})
    world.now += 30
    found.snapshot()
    world.run()
    people = found.snapshot()
    assert people.find("U7").email == "new@acme.test"
    assert people.roles["support_agent"] == {"U1", "U7"}, "who Slack does not show holds no role"


def test_ensure_asks_slack_once_for_one_nobody_knows(slack: FakeSlack, world: World) -> None:
    found = directory(slack, world)
    found.load()
    slack.answers("users.info", {"user": a_user("U9", "nine@acme.test")})
    assert found.ensure("U9").email == "nine@acme.test"
    assert found.ensure("U9").email == "nine@acme.test"
    assert found.ensure("U1").name == "Name U1"
    assert slack.names().count("users.info") == 1
    assert found.snapshot().find("U9").email == "nine@acme.test"


def test_ensure_knows_nothing_of_who_slack_does_not_know(slack: FakeSlack, world: World) -> None:
    found = directory(slack, world)
    assert found.ensure("U1").name == "", "before the first load"
    found.load()
    slack.answers("users.info", {"ok": False, "error": "user_not_found"})
    assert found.ensure("U404").key == "U404"
    assert found.snapshot().roles_of("U404") == frozenset()


@pytest.mark.parametrize(
    "changes", [{"team_id": "T-other"}, {"is_stranger": True}, {"team_id": "T-other", "is_restricted": False}]
)
def test_an_outsider_who_claims_an_approvers_address_gets_no_role(
    slack: FakeSlack, world: World, changes: dict[str, Any]
) -> None:
    found = directory(slack, world)
    found.load()
    slack.answers("users.info", {"user": a_user("UX", "lead@acme.test", **changes)})
    assert not found.ensure("UX").may_decide
    assert found.snapshot().roles_of("U2") == {"support_lead"}
    assert found.snapshot().roles_of("UX") == frozenset()


def test_an_address_nobody_confirmed_lends_no_role(slack: FakeSlack, world: World) -> None:
    found = directory(slack, world)
    found.load()
    slack.answers("users.info", {"user": a_user("UX", "lead@acme.test", is_email_confirmed=False)})
    found.ensure("UX")
    assert found.snapshot().roles_of("UX") == frozenset()


def test_a_fault_keeps_what_was_known_whole_and_is_told(slack: FakeSlack, world: World) -> None:
    found = directory(slack, world)
    before = found.load()
    slack.answers("usergroups.list", Reply(503))
    world.now += 400
    found.snapshot()
    world.run()
    assert found.snapshot() == before
    assert any("could not be refreshed" in p for p in found.problems())
    with pytest.raises(RetryLater):
        found.load()


def test_after_too_long_without_slack_nobody_has_a_role(slack: FakeSlack, world: World) -> None:
    found = directory(slack, world)
    found.load()
    slack.answers("usergroups.list", Reply(503))
    world.now += 3601
    stale = found.snapshot()
    assert stale.roles_of("U1") == frozenset()
    assert stale.channels["support-review"] == "C1"
    assert any("too long" in p for p in found.problems())
    set_group(slack, ["U1"])
    world.run()
    assert found.snapshot().roles_of("U1") == {"support_agent"}


def test_a_refused_token_is_final(slack: FakeSlack, world: World) -> None:
    slack.answers("users.list", {"ok": False, "error": "invalid_auth"})
    with pytest.raises(GiveUp, match="SLACK_BOT_TOKEN"):
        directory(slack, world).load()


def test_half_a_list_is_never_taken_for_the_whole(slack: FakeSlack, world: World) -> None:
    slack.answers("users.list", {"members": [], "response_metadata": {"next_cursor": "again"}})
    with pytest.raises(RetryLater):
        directory(slack, world).load()
    slack.answers("users.list", a_json({"ok": False, "error": "ratelimited"}, 429, retry_after="5"))
    with pytest.raises(RetryLater) as caught:
        directory(slack, world).load()
    assert caught.value.after == 5.0


def test_a_new_policy_brings_other_roles_without_asking_slack(slack: FakeSlack, world: World) -> None:
    found = directory(slack, world)
    found.load()
    slack.calls.clear()
    found.use({"qa": RoleSource(users=("U1",))})
    assert found.snapshot().roles == {"qa": frozenset({"U1"})}
    assert found.problems() == []
    assert slack.calls == []


# --- what names meant ------------------------------------------------------------------------------------------------


def channels(slack: FakeSlack, **named: str) -> None:
    found = [{"id": i, "name": n.replace("_", "-"), "is_member": True} for n, i in named.items()]
    slack.answers("conversations.list", {"channels": found})


def reads_again(found: SlackDirectory) -> SlackDirectory:
    found.load()
    return found


def test_a_renamed_channel_stays_the_roles_channel(slack: FakeSlack, world: World) -> None:
    channels(slack, random="C3")
    found = reads_again(directory(slack, world, {"qa": RoleSource(users=("U1",), channel="random")}))
    channels(slack, random_old="C3", random="C4")
    assert reads_again(found).snapshot().channels["random"] == "C3"
    (problem,) = found.problems()
    assert "#random-old" in problem


def test_what_a_name_meant_outlives_a_restart(slack: FakeSlack, world: World) -> None:
    channels(slack, random_old="C3", random="C4")
    found = directory(slack, world, {"qa": RoleSource(users=("U1",), channel="random")})
    found.bind({"random": "C3", "gone": "C9"})
    assert reads_again(found).snapshot().channels["random"] == "C3"
    assert found.bound() == {"random": "C3", "gone": "C9"}


def test_a_name_whose_channel_is_gone_means_the_one_that_has_it_now(slack: FakeSlack, world: World) -> None:
    channels(slack, random="C3")
    found = reads_again(directory(slack, world, {"qa": RoleSource(users=("U1",), channel="random")}))
    channels(slack, other="C5")
    assert "random" not in reads_again(found).snapshot().channels
    channels(slack, random="C4")
    assert reads_again(found).snapshot().channels["random"] == "C4"
    assert found.bound()["random"] == "C4"
