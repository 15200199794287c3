"""The rich_text block's inner grammar."""

from .checks import Check, array, boolean, integer, record, string, typed
from .elements import kind, url

_STYLES = ("bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink")
STYLE = record({}, dict.fromkeys(_STYLES, boolean))


def _leaf(name: str, required: dict[str, Check], optional: dict[str, Check] | None = None) -> Check:
    return record({"type": kind(name), **required}, {"style": STYLE, **(optional or {})})


LEAVES: dict[str, Check] = {
    "text": _leaf("text", {"text": string(None, 1)}),
    "link": _leaf("link", {"url": url()}, {"text": string(), "unsafe": boolean}),
    "emoji": _leaf("emoji", {"name": string(100, 1)}, {"unicode": string(), "skin_tone": integer(1, 6)}),
    "user": _leaf("user", {"user_id": string(32, 1)}),
    "usergroup": _leaf("usergroup", {"usergroup_id": string(32, 1)}),
    "channel": _leaf("channel", {"channel_id": string(32, 1)}),
    "team": _leaf("team", {"team_id": string(32, 1)}),
    "broadcast": _leaf("broadcast", {"range": string(one_of=("here", "channel", "everyone"))}),
    "color": _leaf("color", {"value": string(16, 1)}),
    "date": _leaf(
        "date",
        {"timestamp": integer(0, 10**11), "format": string(255, 1)},
        {"fallback": string(), "url": url()},
    ),
}
_LEAVES = array(typed(LEAVES))
_SECTION = record({"type": kind("rich_text_section"), "elements": _LEAVES}, {})
_QUOTED = array(typed({name: LEAVES[name] for name in ("text", "link", "emoji", "user", "channel")}))

SECTIONS: dict[str, Check] = {
    "rich_text_section": _SECTION,
    "rich_text_quote": record({"type": kind("rich_text_quote"), "elements": _LEAVES}, {"border": integer(0, 1)}),
    "rich_text_preformatted": record(
        {"type": kind("rich_text_preformatted"), "elements": _QUOTED},
        {"border": integer(0, 1), "language": string(40)},
    ),
    "rich_text_list": record(
        {
            "type": kind("rich_text_list"),
            "style": string(one_of=("bullet", "ordered")),
            "elements": array(typed({"rich_text_section": _SECTION}), 1),
        },
        {"indent": integer(0, 8), "offset": integer(0, 10_000), "border": integer(0, 1)},
    ),
}
