"""Block Kit as strict as Slack: which blocks go where, how long, how many, and no unknown key."""

from collections.abc import Iterator
from typing import Any, Literal

from .checks import Check, array, boolean, record, report, string, typed
from .elements import ACCESSORIES, ACTIONS, ELEMENTS, INPUTS, image_url, kind, plain, text, url
from .rich_text import SECTIONS

Surface = Literal["message", "modal", "home"]
MAX_BLOCKS: dict[str, int] = {"message": 50, "modal": 100, "home": 100}
MAX_MARKDOWN = 12_000
# Undocumented: a message's ceiling on all block text together, and what each further block takes of it,
# as others measured where `msg_blocks_too_long` begins.
MAX_BLOCK_TEXT = 13_297
BLOCK_COST = 125


def _pick(names: frozenset[str]) -> Check:
    return typed({name: ELEMENTS[name] for name in names})


def _section_says_something(block: dict[str, Any], path: str, out: list[str]) -> None:
    if "text" not in block and "fields" not in block:
        report(out, "must define either `text` or `fields`", f"{path}/type")


def _one_picture(block: dict[str, Any], path: str, out: list[str]) -> None:
    if ("image_url" in block) == ("slack_file" in block):
        report(out, "must define either `image_url` or `slack_file`", path)


def _block(name: str, required: dict[str, Check], optional: dict[str, Check], *rules: Any) -> Check:
    return record({"type": kind(name), **required}, {"block_id": string(255, 1), **optional}, *rules)


_SLACK_FILE = record({}, {"id": string(64, 1), "url": url()})
_CONTEXT_TEXT = text(2000)
_CONTEXT = typed({"plain_text": _CONTEXT_TEXT, "mrkdwn": _CONTEXT_TEXT, "image": ELEMENTS["image"]})

BLOCKS: dict[str, Check] = {
    "section": _block(
        "section",
        {},
        {
            "text": text(3000),
            "fields": array(text(2000), 1, 10),
            "accessory": _pick(ACCESSORIES),
            "expand": boolean,
        },
        _section_says_something,
    ),
    "header": _block("header", {"text": plain(150)}, {}),
    "divider": _block("divider", {}, {}),
    "context": _block("context", {"elements": array(_CONTEXT, 1, 10)}, {}),
    "actions": _block("actions", {"elements": array(_pick(ACTIONS), 1, 25)}, {}),
    "input": _block(
        "input",
        {"label": plain(2000), "element": _pick(INPUTS)},
        {"hint": plain(2000), "optional": boolean, "dispatch_action": boolean},
    ),
    "image": _block(
        "image",
        {"alt_text": string(2000, 1)},
        {"image_url": image_url, "slack_file": _SLACK_FILE, "title": plain(2000)},
        _one_picture,
    ),
    "rich_text": _block("rich_text", {"elements": array(typed(SECTIONS))}, {}),
    "markdown": _block("markdown", {"text": string(MAX_MARKDOWN, 1)}, {}),
    "file": _block("file", {"external_id": string(255, 1), "source": string(one_of=("remote",))}, {}),
    "video": _block(
        "video",
        {"alt_text": string(None, 1), "title": plain(199), "thumbnail_url": url(), "video_url": url()},
        {
            "author_name": string(49),
            "description": plain(200),
            "provider_icon_url": url(),
            "provider_name": string(),
            "title_url": url(),
        },
    ),
}
ALLOWED: dict[str, frozenset[str]] = {
    "message": frozenset(BLOCKS),
    "modal": frozenset(BLOCKS) - {"file", "markdown"},
    "home": frozenset(BLOCKS) - {"file", "markdown"},
}
_ON_SURFACE = {
    surface: typed({name: check for name, check in BLOCKS.items() if name in names})
    for surface, names in ALLOWED.items()
}


def block_elements(block: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(pointer suffix, element) of each interactive element in a well-formed block."""
    if block.get("type") == "actions":
        for index, element in enumerate(block["elements"]):
            yield f"/elements/{index}", element
    elif block.get("type") == "input":
        yield "/element", block["element"]
    elif block.get("type") == "section" and block.get("accessory", {}).get("type") not in (None, "image"):
        yield "/accessory", block["accessory"]


def _across(blocks: list[dict[str, Any]], path: str, out: list[str]) -> None:
    """What no single block can break: repeated ids, two focused elements, markdown in total."""
    ids: set[str] = set()
    focused = 0
    for index, block in enumerate(blocks):
        where = f"{path}/{index}"
        block_id = block.get("block_id")
        if block_id in ids:
            report(out, f"`block_id` {block_id} already exists", f"{where}/block_id")
        if block_id:
            ids.add(block_id)
        actions: set[str] = set()
        for suffix, element in block_elements(block):
            action_id = element.get("action_id")
            if action_id in actions:
                message = f"`action_id` {action_id} already exists in this block"
                report(out, message, f"{where}{suffix}/action_id")
            if action_id:
                actions.add(action_id)
            focused += bool(element.get("focus_on_load"))
    if focused > 1:
        report(out, "only one element may set `focus_on_load`", path)
    if sum(len(b["text"]) for b in blocks if b["type"] == "markdown") > MAX_MARKDOWN:
        report(out, f"markdown text must be less than {MAX_MARKDOWN + 1} characters in total", path)


def validate_blocks(blocks: Any, surface: Surface = "message", path: str = "/blocks") -> list[str]:
    """Slack's refusals of these blocks on that surface, in its own message form; empty when it takes them."""
    out: list[str] = []
    array(_ON_SURFACE[surface], 0, MAX_BLOCKS[surface])(blocks, path, out)
    if not out:
        _across(blocks, path, out)
    return out


def block_text_size(blocks: Any) -> int:
    """What these blocks take of MAX_BLOCK_TEXT in a posted or updated message."""
    return _text_size(blocks) + BLOCK_COST * max(0, len(blocks) - 1)


def _text_size(node: Any) -> int:
    if isinstance(node, list):
        return sum(_text_size(item) for item in node)
    if isinstance(node, dict):
        return sum(len(v) if k == "text" and isinstance(v, str) else _text_size(v) for k, v in node.items())
    return 0


def _submit_for_inputs(view: dict[str, Any], path: str, out: list[str]) -> None:
    if "submit" in view:
        return
    for index, block in enumerate(view["blocks"]):
        if block["type"] == "input":
            report(out, "must define `submit` to use an `input` block in modals", f"{path}/blocks/{index}/input")


def _blocks_of(surface: Surface) -> Check:
    def check(value: Any, path: str, out: list[str]) -> None:
        out.extend(validate_blocks(value, surface, path))

    return check


_EITHER: dict[str, Check] = {
    "private_metadata": string(3000),
    "callback_id": string(255),
    "external_id": string(255),
}
_VIEWS = typed(
    {
        "modal": record(
            {"type": kind("modal"), "title": plain(24), "blocks": _blocks_of("modal")},
            {
                **_EITHER,
                "close": plain(24),
                "submit": plain(24),
                "clear_on_close": boolean,
                "notify_on_close": boolean,
            },
            _submit_for_inputs,
        ),
        "home": record({"type": kind("home"), "blocks": _blocks_of("home")}, _EITHER),
    }
)


def validate_view(view: Any) -> list[str]:
    """Slack's refusals of a modal or home view, pointers from `/view`; empty when it takes it."""
    out: list[str] = []
    _VIEWS(view, "/view", out)
    if out:
        report(out, "failed to match all allowed schemas", "/view")
        out.insert(0, out.pop())
    return out


_ATTACHMENT_TEXT = ("fallback", "pretext", "title", "text", "footer", "author_name", "callback_id", "color")
_ATTACHMENT_URLS = (
    "author_icon",
    "author_link",
    "footer_icon",
    "from_url",
    "image_url",
    "thumb_url",
    "title_link",
)
_ATTACHMENT_KEYS = frozenset(
    (*_ATTACHMENT_TEXT, *_ATTACHMENT_URLS, "actions", "blocks", "fields", "id", "mrkdwn_in", "preview", "ts")
)


def validate_attachments(attachments: Any, path: str = "/attachments") -> list[str]:
    """Refusals of secondary attachments; blocks inside them obey the message rules."""
    out: list[str] = []
    if not isinstance(attachments, list):
        report(out, "must provide an array", path)
        return out
    if len(attachments) > 100:
        report(out, "no more than 100 items allowed", path)
    for index, one in enumerate(attachments):
        where = f"{path}/{index}"
        if not isinstance(one, dict):
            report(out, "must provide an object", where)
            continue
        for key in one.keys() - _ATTACHMENT_KEYS:
            report(out, f"invalid additional property: {key}", where)
        if "blocks" in one:
            out.extend(validate_blocks(one["blocks"], "message", f"{where}/blocks"))
    return out
