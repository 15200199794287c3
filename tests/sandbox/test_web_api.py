import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from tests.sandbox.kit import (
    BOT_USER,
    GONE,
    LEGAL,
    MAYA,
    OUTSIDER,
    REVIEW,
    TOMAS,
    Clock,
    Room,
    actions,
    button,
    modal,
    running_sandbox,
    section,
)


def refused(call, **arguments) -> dict:
    with pytest.raises(SlackApiError) as caught:
        call(**arguments)
    return caught.value.response.data


def error(call, **arguments) -> str:
    return refused(call, **arguments)["error"]


def test_who_am_i(client: WebClient) -> None:
    who = client.auth_test()
    assert (who["user_id"], who["bot_id"], who["team_id"]) == (BOT_USER, "B0COUNTERSIGN", "T0SANDBOX")


def test_tokens(room: Room) -> None:
    assert error(room.fresh_client("xoxb-wrong").auth_test) == "invalid_auth"
    assert error(room.fresh_client("").auth_test) == "not_authed"
    bot = room.fresh_client("xapp-sandbox")
    assert error(bot.chat_postMessage, channel=REVIEW, text="x") == "not_allowed_token_type"
    assert error(room.client.api_call, api_method="no.such") == "unknown_method"


def test_a_missing_scope_says_what_is_needed(clock: Clock) -> None:
    with running_sandbox(clock, scopes=("chat:write",)) as room:
        answer = refused(room.client.users_info, user=MAYA)
        assert (answer["error"], answer["needed"], answer["provided"]) == (
            "missing_scope",
            "users:read",
            "chat:write",
        )
        assert error(room.client.conversations_list, types="private_channel") == "missing_scope"


def test_scopes_a_fresh_install_does_not_have(client: WebClient) -> None:
    assert refused(client.conversations_join, channel=REVIEW)["needed"] == "channels:join"
    named = refused(client.chat_postMessage, channel=REVIEW, text="x", username="Somebody")
    assert named["needed"] == "chat:write.customize"


def test_posting_where_one_may_not(room: Room) -> None:
    workspace, post = room.sandbox.workspace, room.client.chat_postMessage
    assert error(post, channel="C99", text="x") == "channel_not_found"
    bare = {"api_method": "chat.postMessage", "json": {"channel": REVIEW, "text": "  "}}
    assert error(room.client.api_call, **bare) == "no_text"
    assert error(post, channel=REVIEW, text="x" * 40_001) == "msg_too_long"
    assert error(post, channel=GONE, text="x") == "user_disabled"
    workspace.kick_bot(workspace.channels[REVIEW])
    assert error(post, channel=REVIEW, text="x") == "not_in_channel"
    workspace.kick_bot(workspace.channels[LEGAL])
    assert error(post, channel=LEGAL, text="x") == "channel_not_found"
    policy = workspace.channel_named("#policy-changes")
    workspace.archive(policy)
    assert error(post, channel=policy.id, text="x") == "is_archived"
    workspace.unarchive(policy)
    assert post(channel="#policy-changes", text="by name")["channel"] == policy.id


def test_bad_blocks_are_refused_in_slacks_words(client: WebClient) -> None:
    answer = refused(client.chat_postMessage, channel=REVIEW, text="x", blocks=[section("y" * 3001)])
    assert answer["error"] == "invalid_blocks"
    expected = "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"
    assert answer["errors"][-1] == expected
    assert answer["response_metadata"]["messages"][-1] == f"[ERROR] {expected}"
    assert error(client.chat_postMessage, channel=REVIEW, text="x", blocks="not json") == "invalid_blocks_format"
    long = [section("y" * 2900) for _ in range(5)]
    assert error(client.chat_postMessage, channel=REVIEW, text="x", blocks=long) == "msg_blocks_too_long"


def test_timestamps_rise_even_when_the_clock_stands_still(room: Room) -> None:
    room.sandbox.faults.set("slack_rate_limit", "off")
    stamps = [room.client.chat_postMessage(channel=REVIEW, text=str(n))["ts"] for n in range(5)]
    assert stamps == sorted(set(stamps))
    assert stamps[0].startswith("1700000000.")


def test_one_message_a_second_a_channel(room: Room) -> None:
    def post(channel: str = REVIEW) -> str:
        return room.client.chat_postMessage(channel=channel, text="x")["ts"]

    for _ in range(3):
        post()
    with pytest.raises(SlackApiError) as caught:
        post()
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "1"
    assert caught.value.response["error"] == "ratelimited"
    post(LEGAL)
    room.wall.advance(1.0)
    post()
    assert error(post) == "ratelimited"


def test_edits(room: Room) -> None:
    post, update = room.client.chat_postMessage, room.client.chat_update
    metadata = {"event_type": "countersign_case", "event_payload": {"case_id": "c1"}}
    ts = post(channel=REVIEW, text="old", blocks=[section(), actions(button())], metadata=metadata)["ts"]
    message = room.sandbox.workspace.find(REVIEW, ts)
    update(channel=REVIEW, ts=ts, text="new", blocks=[section("new")])
    assert (message.text, message.metadata, message.edited_ts is not None) == ("new", metadata, True)
    update(channel=REVIEW, ts=ts, text="only text")
    assert message.blocks == []
    assert [version.text for version in message.versions] == ["old", "new"]
    assert error(update, channel=REVIEW, ts="1.0", text="x") == "message_not_found"
    assert error(update, channel=REVIEW, ts=ts, text="x" * 4001) == "msg_too_long"
    theirs = room.sandbox.delivery.message(MAYA, REVIEW, "mine").message.ts
    assert error(update, channel=REVIEW, ts=theirs, text="x") == "cant_update_message"
    assert error(room.client.chat_delete, channel=REVIEW, ts=theirs) == "cant_delete_message"
    room.client.chat_delete(channel=REVIEW, ts=ts)
    assert room.sandbox.workspace.find(REVIEW, ts) is None


def test_metadata_has_a_shape_and_a_size(client: WebClient) -> None:
    def post(metadata: object) -> str:
        return error(client.chat_postMessage, channel=REVIEW, text="x", metadata=metadata)

    assert post({"event_type": "x"}) == "invalid_metadata_schema"
    assert post({"event_type": "x", "event_payload": {}, "more": 1}) == "invalid_metadata_format"
    assert post({"event_type": "x", "event_payload": {"a": "b" * 9000}}) == "metadata_too_large"


def test_threads_and_history(room: Room) -> None:
    room.sandbox.faults.set("slack_rate_limit", "off")
    post = room.client.chat_postMessage
    metadata = {"event_type": "countersign_case", "event_payload": {"case_id": "c1"}}
    root = post(channel=REVIEW, text="root", metadata=metadata)["ts"]
    reply = post(channel=REVIEW, text="reply", thread_ts=root)["ts"]
    shown = post(channel=REVIEW, text="shown", thread_ts=root, reply_broadcast=True)["ts"]
    room.client.chat_postEphemeral(channel=REVIEW, user=MAYA, text="psst")
    history = room.client.conversations_history(channel=REVIEW, include_all_metadata=True)["messages"]
    assert [m["ts"] for m in history] == [shown, root]
    assert history[1]["metadata"] == metadata
    assert (history[1]["reply_count"], history[1]["latest_reply"]) == (2, shown)
    assert "metadata" not in room.client.conversations_history(channel=REVIEW)["messages"][1]
    replies = room.client.conversations_replies(channel=REVIEW, ts=root)["messages"]
    assert [m["ts"] for m in replies] == [root, reply, shown]
    assert replies[1]["parent_user_id"] == BOT_USER
    newer = room.client.conversations_history(channel=REVIEW, oldest=root)["messages"]
    assert [m["ts"] for m in newer] == [shown]
    assert error(room.client.conversations_replies, channel=REVIEW, ts="1.0") == "thread_not_found"
    assert error(post, channel=REVIEW, text="x", thread_ts="1.0") == "thread_not_found"


def test_paging(room: Room) -> None:
    names, cursor = [], None
    while cursor != "":
        page = room.client.conversations_list(types="public_channel,private_channel", limit=5, cursor=cursor)
        assert len(page["channels"]) <= 5
        names += [channel["name"] for channel in page["channels"]]
        cursor = page["response_metadata"]["next_cursor"]
    assert len(names) == len(set(names)) == 13
    assert {"support-review", "policy-changes", "general", "legal-approvals"} <= set(names)
    assert error(room.client.conversations_list, cursor="bad!") == "invalid_cursor"


def test_private_notices_have_one_reader(room: Room) -> None:
    post = room.client.chat_postEphemeral
    ts = post(channel=REVIEW, user=MAYA, text="psst")["message_ts"]
    assert error(post, channel=REVIEW, user=OUTSIDER, text="x") == "user_not_in_channel"
    assert error(room.client.chat_update, channel=REVIEW, ts=ts, text="x") == "message_not_found"
    assert [m.text for m in room.sandbox.workspace.messages(REVIEW, TOMAS)] == []


def test_people_and_groups(client: WebClient) -> None:
    assert client.users_info(user=MAYA)["user"]["profile"]["email"] == "maya@countersign.example"
    assert client.users_lookupByEmail(email="MAYA@countersign.example")["user"]["id"] == MAYA
    assert error(client.users_lookupByEmail, email="pavel@countersign.example") == "users_not_found"
    assert error(client.users_info, user="U404") == "user_not_found"
    groups = {group["handle"]: group for group in client.usergroups_list(include_users=True)["usergroups"]}
    assert len(groups) == 14
    assert MAYA in groups["support-agents"]["users"]
    assert client.usergroups_users_list(usergroup=groups["crm-owners"]["id"])["users"] == ["U12LIAM"]
    assert error(client.usergroups_users_list, usergroup="S404") == "no_such_subteam"
    people = {user["id"]: user for user in client.users_list()["members"]}
    assert people[GONE]["deleted"]
    assert people["U23GUS"]["is_restricted"]
    assert people["U24DEPLOY"]["is_bot"]


def test_custom_profile_fields(room: Room, clock: Clock) -> None:
    client = room.client
    fields = {f["label"]: f for f in client.team_profile_get()["profile"]["fields"]}
    assert fields["Manager"]["type"] == "user"
    assert error(client.team_profile_get, visibility="some") == "invalid_visibility"
    answer = client.users_profile_get(user=MAYA)["profile"]
    assert answer["fields"] == {fields["Manager"]["id"]: {"value": "U03PRIYA", "alt": ""}}
    assert client.users_profile_get(user=OUTSIDER)["profile"]["fields"] is None
    assert error(client.users_profile_get, user="U404") == "user_not_found"
    with running_sandbox(clock, scopes=("users:read",)) as bare:
        assert refused(bare.client.users_profile_get, user=MAYA)["needed"] == "users.profile:read"
        assert refused(bare.client.team_profile_get)["needed"] == "users.profile:read"


def test_direct_messages_permalinks_reactions_and_files(room: Room) -> None:
    client = room.client
    dm = client.conversations_open(users=MAYA)["channel"]["id"]
    assert client.chat_postMessage(channel=MAYA, text="receipt")["channel"] == dm
    ts = client.chat_postMessage(channel=REVIEW, text="x")["ts"]
    link = client.chat_getPermalink(channel=REVIEW, message_ts=ts)["permalink"]
    assert link == f"{room.url}/archives/{REVIEW}/p{ts.replace('.', '')}"
    client.reactions_add(channel=REVIEW, timestamp=ts, name="eyes")
    assert error(client.reactions_add, channel=REVIEW, timestamp=ts, name="eyes") == "already_reacted"
    client.files_upload_v2(content="a,b\n1,2", filename="week.csv", title="Week", channel=REVIEW)
    shared = room.sandbox.workspace.messages(REVIEW)[-1]
    assert (shared.files[0]["title"], shared.subtype) == ("Week", "file_share")


def test_modals_need_a_fresh_trigger_of_their_own(room: Room) -> None:
    views, client = room.sandbox.workspace.views, room.client
    trigger = views.new_trigger(MAYA)
    view = client.views_open(trigger_id=trigger, view=modal(external_id="once"))["view"]
    assert view["root_view_id"] == view["id"]
    assert error(client.views_open, trigger_id=trigger, view=modal()) == "exchanged_trigger_id"
    assert error(client.views_open, trigger_id="nonsense", view=modal()) == "invalid_trigger_id"
    again = views.new_trigger(MAYA)
    assert error(client.views_open, trigger_id=again, view=modal(external_id="once")) == "duplicate_external_id"
    late = views.new_trigger(MAYA)
    room.wall.advance(3.1)
    assert error(client.views_open, trigger_id=late, view=modal()) == "expired_trigger_id"


def test_a_stack_is_three_modals_high_and_hashes_guard_updates(room: Room) -> None:
    views, client = room.sandbox.workspace.views, room.client
    assert error(client.views_push, trigger_id=views.new_trigger(MAYA), view=modal()) == "not_found"
    first = client.views_open(trigger_id=views.new_trigger(MAYA), view=modal())["view"]
    client.views_push(trigger_id=views.new_trigger(MAYA), view=modal())
    client.views_push(trigger_id=views.new_trigger(MAYA), view=modal())
    assert error(client.views_push, trigger_id=views.new_trigger(MAYA), view=modal()) == "push_limit_reached"
    client.views_update(view_id=first["id"], hash=first["hash"], view=modal())
    stale = error(client.views_update, view_id=first["id"], hash=first["hash"], view=modal())
    assert stale == "hash_conflict"
    assert error(client.views_update, view_id="V404", view=modal()) == "not_found"


def test_bad_views(room: Room) -> None:
    views, client = room.sandbox.workspace.views, room.client
    answer = refused(client.views_open, trigger_id=views.new_trigger(MAYA), view=modal(title="Form"))
    assert answer["error"] == "invalid_arguments"
    assert answer["response_metadata"]["messages"][1:] == [
        "[ERROR] failed to match all allowed schemas [json-pointer:/view/title]",
        "[ERROR] must provide an object [json-pointer:/view/title]",
    ]
    huge = modal(*[section("y" * 3000) for _ in range(90)])
    assert error(client.views_open, trigger_id=views.new_trigger(MAYA), view=huge) == "view_too_large"
    home = {"type": "home", "blocks": [section("hi")]}
    assert client.views_publish(user_id=MAYA, view=home)["view"]["type"] == "home"
    assert error(client.views_publish, user_id="U404", view=home) == "user_not_found"
