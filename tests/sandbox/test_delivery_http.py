from slack_sdk.webhook import WebhookClient

from tests.sandbox.kit import (
    GONE,
    LEGAL,
    MAYA,
    OUTSIDER,
    REVIEW,
    TOMAS,
    Bot,
    Room,
    actions,
    button,
    modal,
    section,
    text_input,
    typed,
)


def post(room: Room, *elements: dict, **more: object) -> str:
    answer = room.client.chat_postMessage(channel=REVIEW, text="case", blocks=[section(), actions(*elements)], **more)
    return str(answer["ts"])


def test_a_click_carries_what_slack_carries(room: Room, bot: Bot) -> None:
    ts = post(room, button(value="42"))
    result = room.sandbox.delivery.click(MAYA, REVIEW, ts, action_id="plain")
    assert result.ok
    body = bot.next("block_actions")
    assert body["user"] == {"id": MAYA, "username": "maya", "name": "maya", "team_id": "T0SANDBOX"}
    assert body["container"] == {
        "type": "message",
        "message_ts": ts,
        "channel_id": REVIEW,
        "is_ephemeral": False,
    }
    assert body["channel"] == {"id": REVIEW, "name": "support-review"}
    assert body["message"]["ts"] == ts
    assert body["message"]["blocks"][0]["type"] == "section"
    assert body["actions"][0]["value"] == "42"
    assert body["actions"][0]["block_id"] == "row"
    assert body["response_url"].startswith(room.url)


def test_the_app_may_call_back_while_it_handles_a_click_and_open_a_modal(room: Room, bot: Bot) -> None:
    ts = post(room, button("open"))
    assert room.sandbox.delivery.click(MAYA, REVIEW, ts, action_id="open").ok
    (view,) = room.sandbox.workspace.views.stack(MAYA)
    assert view.body["title"]["text"] == "Form"
    assert room.sandbox.workspace.views.stack(TOMAS) == []


def open_form(room: Room, bot: Bot, view: dict | None = None) -> str:
    trigger = room.sandbox.workspace.views.new_trigger(MAYA)
    return str(room.client.views_open(trigger_id=trigger, view=view or modal())["view"]["id"])


def test_an_empty_required_field_never_reaches_the_app(room: Room, bot: Bot) -> None:
    view_id = open_form(room, bot)
    result = room.sandbox.delivery.submit_view(MAYA, view_id, typed(""))
    assert (result.ok, result.delivered) == (False, False)
    assert result.errors == {"why": "Please complete this required field."}
    assert bot.seen.empty()


def test_a_submission_closes_the_modal_and_carries_the_whole_state(room: Room, bot: Bot) -> None:
    optional = text_input("more") | {"optional": True}
    view_id = open_form(room, bot, modal(text_input(), optional, private_metadata="case-1"))
    assert room.sandbox.delivery.submit_view(MAYA, view_id, typed("because")).ok
    view = bot.next("view_submission")["view"]
    assert view["state"]["values"] == {
        "why": {"text": {"type": "plain_text_input", "value": "because"}},
        "more": {"text": {"type": "plain_text_input", "value": None}},
    }
    assert view["private_metadata"] == "case-1"
    assert view["root_view_id"] == view_id
    assert room.sandbox.workspace.views.stack(MAYA) == []


def test_errors_keep_the_modal_and_what_was_typed(room: Room, bot: Bot) -> None:
    view_id = open_form(room, bot)
    bot.answers.append({"response_action": "errors", "errors": {"why": "Too vague."}})
    result = room.sandbox.delivery.submit_view(MAYA, view_id, typed("meh"))
    assert (result.ok, result.response_action, result.errors) == (False, "errors", {"why": "Too vague."})
    (view,) = room.sandbox.workspace.views.stack(MAYA)
    assert view.state["why"]["text"]["value"] == "meh"


def test_an_answer_slack_would_not_understand_is_trouble_for_the_person(room: Room, bot: Bot) -> None:
    for answer in (
        {"response_action": "errors", "errors": {"nowhere": "x"}},
        {"response_action": "explode"},
        {"response_action": "update", "view": modal(title={"type": "plain_text", "text": "x" * 25})},
    ):
        view_id = open_form(room, bot)
        bot.answers.append(answer)
        result = room.sandbox.delivery.submit_view(MAYA, view_id, typed("a"))
        assert (result.ok, result.error) == (False, "We had some trouble connecting. Try again?")
        assert room.sandbox.workspace.views.stack(MAYA) != []


def test_push_update_and_clear(room: Room, bot: Bot) -> None:
    views = room.sandbox.workspace.views
    view_id = open_form(room, bot)
    bot.answers.append({"response_action": "push", "view": modal(text_input("second"))})
    assert room.sandbox.delivery.submit_view(MAYA, view_id, typed("a")).response_action == "push"
    top = views.stack(MAYA)[-1]
    assert (len(views.stack(MAYA)), top.previous_id, top.root_id) == (2, view_id, view_id)
    bot.answers.append({"response_action": "update", "view": modal(section("done"))})
    room.sandbox.delivery.submit_view(MAYA, top.id, typed("b", "second"))
    assert views.stack(MAYA)[-1].blocks[0]["text"]["text"] == "done"
    bot.answers.append({"response_action": "clear"})
    room.sandbox.delivery.submit_view(MAYA, top.id)
    assert views.stack(MAYA) == []


def test_closing_tells_the_app_only_if_it_asked(room: Room, bot: Bot) -> None:
    quiet = room.sandbox.delivery.close_view(MAYA, open_form(room, bot))
    assert quiet.ok
    assert not quiet.delivered
    view_id = open_form(room, bot, modal(notify_on_close=True))
    assert room.sandbox.delivery.close_view(MAYA, view_id).delivered
    assert bot.next("view_closed")["is_cleared"] is False


def test_response_url_speaks_to_one_person_five_times(room: Room, bot: Bot) -> None:
    ts = post(room, button("respond"))
    assert room.sandbox.delivery.click(MAYA, REVIEW, ts, action_id="respond").ok
    url = bot.next("block_actions")["response_url"]
    mine = [m.text for m in room.sandbox.workspace.messages(REVIEW, MAYA)]
    others = [m.text for m in room.sandbox.workspace.messages(REVIEW, TOMAS)]
    assert "only you" in mine
    assert "only you" not in others
    hook = WebhookClient(url)
    assert [hook.send(text="again").status_code for _ in range(4)] == [200] * 4
    assert hook.send(text="too much").status_code == 404


def test_response_url_replaces_and_deletes_what_was_clicked(room: Room, bot: Bot) -> None:
    answer = room.client.chat_postEphemeral(channel=REVIEW, user=MAYA, text="note", blocks=[actions(button())])
    ts = answer["message_ts"]
    assert room.sandbox.delivery.click(MAYA, REVIEW, ts, action_id="plain").ok
    body = bot.next("block_actions")
    assert body["container"]["is_ephemeral"]
    assert "message" not in body
    assert WebhookClient(body["response_url"]).send(text="done", replace_original=True).body == "ok"
    assert room.sandbox.workspace.find(REVIEW, ts).text == "done"
    assert WebhookClient(body["response_url"]).send(delete_original=True).body == "ok"
    assert room.sandbox.workspace.find(REVIEW, ts) is None


def test_a_slash_command_and_its_private_answer(room: Room, bot: Bot) -> None:
    assert room.sandbox.delivery.slash(MAYA, REVIEW, "/approvals", "delegate @tomas").ok
    body = bot.next("command")
    assert body["text"] == f"delegate <@{TOMAS}>"
    assert body["channel_name"] == "support-review"
    assert room.sandbox.workspace.messages(REVIEW, MAYA)[-1].text == f"you said delegate <@{TOMAS}>"
    refused = room.sandbox.delivery.slash(MAYA, REVIEW, "/nothing")
    assert refused.error == "/nothing is not a valid command."


def test_people_who_cannot_act_in_slack_cannot_act_here(room: Room, bot: Bot) -> None:
    ts = post(room, button())
    delivery = room.sandbox.delivery
    assert delivery.click(GONE, REVIEW, ts, action_id="plain").error == "This account has been deactivated."
    assert delivery.click(MAYA, REVIEW, ts, action_id="nope").error == "There is no nope on this message."
    secret = room.client.chat_postMessage(channel=LEGAL, text="x", blocks=[actions(button())])["ts"]
    assert delivery.click(OUTSIDER, LEGAL, secret, action_id="plain").error == "You cannot see this conversation."
    assert bot.seen.qsize() == len([1 for kind, _ in list(bot.seen.queue) if kind == "message"])


def test_a_button_an_edit_removed_can_still_be_clicked_from_an_old_screen(room: Room, bot: Bot) -> None:
    ts = post(room, button(value="old"))
    room.client.chat_update(channel=REVIEW, ts=ts, text="decided", blocks=[section("decided")])
    assert room.sandbox.delivery.click(MAYA, REVIEW, ts, action_id="plain").ok
    assert bot.next("block_actions")["actions"][0]["value"] == "old"


def test_events_reach_the_app_signed_and_whole(room: Room, bot: Bot) -> None:
    root = post(room, button())
    assert room.sandbox.delivery.message(TOMAS, REVIEW, "ask @maya & <b>", thread_ts=root).ok
    while True:
        body = bot.next("message")
        if body["event"]["user"] == TOMAS:
            break
    event = body["event"]
    assert event["text"] == f"ask <@{MAYA}> &amp; &lt;b&gt;"
    assert event["thread_ts"] == root
    assert event["channel_type"] == "channel"
    assert event["parent_user_id"] == "U0COUNTERSIGN"
    assert body["authorizations"][0]["user_id"] == "U0COUNTERSIGN"
    assert body["event_id"].startswith("Ev")


def test_home_leaving_and_archiving_are_events(room: Room, bot: Bot) -> None:
    workspace = room.sandbox.workspace
    room.sandbox.delivery.open_home(MAYA)
    assert bot.next("app_home_opened")["event"]["tab"] == "home"
    workspace.leave(workspace.channels[REVIEW], MAYA)
    assert bot.next("member_left_channel")["event"]["user"] == MAYA
    workspace.archive(workspace.channels[REVIEW])
    assert bot.next("channel_archive")["event"]["channel"] == REVIEW


def test_shortcut_and_url_verification(room: Room, bot: Bot) -> None:
    assert room.sandbox.delivery.shortcut(MAYA, "new_reply").ok
    unknown = room.sandbox.delivery.shortcut(MAYA, "never_heard_of")
    assert (unknown.delivered, unknown.error) == (False, "There is no such shortcut.")
    assert bot.next("shortcut")["trigger_id"]
    assert room.sandbox.delivery.verify_url()
