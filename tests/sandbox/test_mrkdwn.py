from app.sandbox.mrkdwn import enliven
from tests.sandbox.kit import LEGAL, MAYA, REVIEW, TOMAS, Room, mrkdwn, plain, section


def pings(text: str = "", blocks: list | None = None, **more: object) -> list[str]:
    return enliven(text, blocks or [], [], None, **more).pings


def test_live_mentions_ping() -> None:
    text = "<!channel> <@U01MAYA> <@U02TOMAS|tomas> <!subteam^S01GROUP|@support-agents> <!here|here>"
    assert pings(text) == ["channel", "U01MAYA", "U02TOMAS", "S01GROUP", "here"]
    assert pings("", [section("<!everyone>")]) == ["everyone"]
    assert pings("", [{"type": "context", "elements": [mrkdwn("<@U01MAYA>")]}]) == ["U01MAYA"]


def test_rich_text_mentions_ping() -> None:
    leaves = [{"type": "user", "user_id": "U01MAYA"}, {"type": "broadcast", "range": "here"}]
    rich = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": leaves}]}
    assert pings("", [rich]) == ["U01MAYA", "here"]


def test_escaped_or_plain_text_never_pings_and_never_links() -> None:
    hostile = "&lt;!channel&gt; &lt;@U01MAYA&gt; @channel @here"
    assert pings(hostile, [section(hostile)]) == []
    dead = {"type": "section", "text": plain("<!channel> <https://evil.example|Approve>")}
    content = enliven("", [dead, {"type": "header", "text": plain("<@U01MAYA>")}], [], None)
    assert (content.pings, content.links) == ([], [])


def test_live_links_are_found() -> None:
    content = enliven("<https://evil.example|Your bank>", [section("<mailto:a@b.c>")], [], None)
    assert content.links == [("https://evil.example", "Your bank"), ("mailto:a@b.c", "mailto:a@b.c")]


def test_bare_mentions_ping_only_where_names_are_linked() -> None:
    groups = {"support-agents": "S01GROUP"}
    assert pings("@channel @support-agents @nobody") == []
    assert pings("@channel @support-agents @nobody", names=groups) == ["channel", "S01GROUP"]


def test_unread_marks_follow_pings(room: Room) -> None:
    workspace = room.sandbox.workspace
    room.client.chat_postMessage(channel=REVIEW, text="<!subteam^S01GROUP> look")
    room.client.chat_postMessage(channel=LEGAL, text="quiet")
    assert workspace.unread(MAYA, REVIEW) == (1, True)
    assert workspace.unread("U05INGRID", REVIEW) == (1, False)
    workspace.mark_read(MAYA, REVIEW)
    assert workspace.unread(MAYA, REVIEW) == (0, False)
    assert workspace.unread(TOMAS, LEGAL) == (1, False)
