"""What Slack's refusals, and silences, mean. One table of error codes; what it does not name is refused for good."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import Any, Literal
from urllib.error import URLError

import msgspec
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import SlackResponse

from app.ports.errors import Ambiguous, GiveUp, PortError, RetryLater
from app.ports.http import CONNECT, Verdict, retry_after, utc_now

_REINSTALL = "Install the app again with manifest.yml and set SLACK_BOT_TOKEN, then run `countersign doctor`"
_SCOPE = "Add the scopes of manifest.yml to the app and install it again, then run `countersign doctor`"
_INVITE = "Invite the bot to the channel (`/invite`), then redrive the delivery"
_CHANNEL = "Check the role's channel in roles.yaml and that the bot is in it, then redrive the delivery"
_PLACE = "Ask a workspace admin to let the app post there, then redrive the delivery"
_SHAPE = "This message breaks a limit of Slack: report it with the case id"
_GONE = "The message was deleted or is too old to change; the case is still open in `/approvals`"
_PERSON = "Check that the person is still a full member of the workspace"
_AGAIN = "Click the button once more"
_VIEW = "Close the window and open it again"


class SlackRule(msgspec.Struct, frozen=True):
    verdict: Verdict
    remedy: str = ""


def _give_up(remedy: str, *codes: str) -> dict[str, SlackRule]:
    return {code: SlackRule(Verdict.GIVE_UP, remedy) for code in codes}


def _verdict(verdict: Verdict, *codes: str) -> dict[str, SlackRule]:
    return {code: SlackRule(verdict) for code in codes}


CODES: Mapping[str, SlackRule] = {
    **_verdict(
        Verdict.RETRY,
        "ratelimited",
        "rate_limited",
        "message_limit_exceeded",
        "service_unavailable",
        "request_timeout",  # the request came cut short: not done
        "team_added_to_org",  # the workspace is being moved
    ),
    # "Some aspect of the operation may have succeeded", in Slack's own words.
    **_verdict(Verdict.AMBIGUOUS, "fatal_error", "internal_error"),
    **_give_up(
        _REINSTALL,
        "invalid_auth",
        "not_authed",
        "account_inactive",
        "token_revoked",
        "token_expired",
        "not_allowed_token_type",
        "org_login_required",
        "access_denied",
        "accesslimited",
    ),
    **_give_up(_SCOPE, "missing_scope", "no_permission", "messages_tab_disabled", "not_enabled"),
    **_give_up(_INVITE, "not_in_channel"),
    **_give_up(_CHANNEL, "channel_not_found", "is_archived", "channel_is_archived"),
    **_give_up(
        _PLACE,
        "restricted_action",
        "restricted_action_read_only_channel",
        "restricted_action_thread_only_channel",
        "restricted_action_thread_locked",
        "restricted_action_non_threadable_channel",
        "ekm_access_denied",
        "team_access_not_granted",
    ),
    **_give_up(
        _SHAPE,
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_arguments",
        "invalid_metadata_format",
        "invalid_metadata_schema",
        "metadata_too_large",
        "msg_blocks_too_long",
        "msg_too_long",
        "no_text",
        "view_too_large",
    ),
    **_give_up(
        _GONE,
        "message_not_found",
        "thread_not_found",
        "cannot_reply_to_message",
        "cant_update_message",
        "edit_window_closed",
    ),
    **_give_up(
        _PERSON,
        "user_not_found",
        "users_not_found",
        "user_disabled",
        "user_not_visible",
        "user_not_in_channel",
        "cannot_dm_bot",
    ),
    **_give_up(
        _AGAIN,
        "expired_trigger_id",
        "exchanged_trigger_id",
        "trigger_exchanged",
        "invalid_trigger_id",
        "trigger_expired",
    ),
    **_give_up(_VIEW, "not_found", "hash_conflict", "duplicate_external_id", "push_limit_reached"),
}
# What a refused packet, or reply in its thread, says of the place it was meant for (SL2).
CHANNEL_LOST = frozenset(
    {"channel_not_found", "is_archived", "channel_is_archived", "not_in_channel", "team_access_not_granted"}
    | {code for code in CODES if code.startswith("restricted_action")}
)
MESSAGE_LOST = frozenset({"message_not_found", "thread_not_found", "cant_update_message", "edit_window_closed"})
SHAPE_REFUSED = frozenset(
    {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "invalid_metadata_format"}
    | {"invalid_metadata_schema", "metadata_too_large"}
)
_UNNAMED = SlackRule(Verdict.GIVE_UP, "Look the code up in Slack's API reference, then redrive the delivery")
_CODE = re.compile(r"[a-z][a-z0-9_]{1,60}")
_POINTER = re.compile(r"\[json-pointer:([A-Za-z0-9_/.-]{1,200})\]")


def surface_trouble(code: str) -> Literal["channel", "message", "shape"] | None:
    """What Slack's refusal of a message means for the packet; None when it says nothing about its place."""
    if code in CHANNEL_LOST:
        return "channel"
    if code in MESSAGE_LOST:
        return "message"
    return "shape" if code in SHAPE_REFUSED else None


def call(
    method: Callable[..., SlackResponse], *, repeatable: bool, look_at: str = "", **arguments: Any
) -> SlackResponse:
    """Calls one method of a WebClient. A `repeatable` call is never ambiguous: it is simply made again."""
    try:
        return method(**arguments)
    except SlackApiError as exc:
        error = _refusal(exc, look_at)
    except SlackClientError as exc:
        error = GiveUp(f"Slack cannot be sent this request ({type(exc).__name__})", "Check SLACK_API_URL")
    except (URLError, OSError, HTTPException, UnicodeDecodeError) as exc:
        error = _silence(exc, look_at)
    if isinstance(error, Ambiguous) and repeatable:
        raise RetryLater(error.error, code=error.code) from None
    # The SDK's exceptions hold the whole answer; nothing of it may reach a traceback in the log.
    raise error from None


def _refusal(exc: SlackApiError, look_at: str) -> PortError:
    response = exc.response
    status = getattr(response, "status_code", 200)
    headers = {str(k).lower(): v for k, v in (getattr(response, "headers", None) or {}).items()}
    data = getattr(response, "data", None)
    given = data.get("error") if isinstance(data, dict) else None
    code = given if isinstance(given, str) and _CODE.fullmatch(given) else ""
    if status == 429 or code in ("ratelimited", "rate_limited"):
        pause = retry_after(str(headers.get("retry-after", "")), utc_now())
        return RetryLater("Slack asks to slow down", after=pause, code="ratelimited")
    if not code:
        if 300 <= status < 500:
            return GiveUp(f"Slack's address answers {status}", "Check SLACK_API_URL and any proxy", code=str(status))
        return Ambiguous(f"Slack gave an answer that cannot be read ({status})", look_at, code=str(status))
    rule = CODES.get(code, _UNNAMED)
    if rule.verdict is Verdict.RETRY:
        return RetryLater(f"Slack is not ready ({code})", code=code)
    if rule.verdict is Verdict.AMBIGUOUS or status >= 500:
        return Ambiguous(f"Slack failed on its side ({code})", look_at, code=code)
    return GiveUp(f"Slack refuses with {code}{_where(data)}", rule.remedy, code=code)


def _where(data: object) -> str:
    """The places Slack names (`/blocks/2/text`), without its words, which may repeat ours."""
    metadata = data.get("response_metadata") if isinstance(data, dict) else None
    messages = metadata.get("messages") if isinstance(metadata, dict) else None
    found = _POINTER.findall(" ".join(map(str, messages))) if isinstance(messages, list) else []
    return f" at {', '.join(found[:3])}" if found else ""


def _silence(exc: Exception, look_at: str) -> PortError:
    """urllib wraps what failed before the whole request was handed over in URLError; all else came after."""
    if isinstance(exc, URLError):
        cause = exc.reason
        if not isinstance(cause, ConnectionResetError | ConnectionAbortedError | BrokenPipeError):
            return RetryLater(f"Slack could not be connected to ({type(cause).__name__})", code=CONNECT)
    return Ambiguous("Slack took the request but gave no whole answer", look_at, code=type(exc).__name__)
