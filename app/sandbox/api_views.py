"""views.* and the external file upload."""

from . import seed
from .api_args import Args, Context, Method
from .model import Json, SlackError
from .mrkdwn import enliven
from .render import view_json
from .views import checked_view


def _view(args: Args) -> object:
    view = args.structure("view", "invalid_arguments")
    if view is None:
        messages = ["[ERROR] missing required field: view"]
        raise SlackError("invalid_arguments", response_metadata={"messages": messages})
    return view


def _trigger(args: Args) -> str:
    return args.need("trigger_id")


def open_view(ctx: Context, args: Args) -> Json:
    body = checked_view(_view(args), "modal")
    return {"view": view_json(ctx.workspace.views.open(_trigger(args), body))}


def push_view(ctx: Context, args: Args) -> Json:
    body = checked_view(_view(args), "modal")
    return {"view": view_json(ctx.workspace.views.push(_trigger(args), body))}


def update_view(ctx: Context, args: Args) -> Json:
    views = ctx.workspace.views
    if not args.has("view_id") and not args.has("external_id"):
        raise SlackError("missing_argument")
    view = views.named(args.text("view_id") or None, args.text("external_id") or None)
    body = checked_view(_view(args), view.type)
    return {"view": view_json(views.update(view, body, args.text("hash") or None))}


def publish_view(ctx: Context, args: Args) -> Json:
    body = checked_view(_view(args), "home")
    user = ctx.user(args.need("user_id"))
    return {"view": view_json(ctx.workspace.views.publish(user.id, body, args.text("hash") or None))}


def upload_url(ctx: Context, args: Args) -> Json:
    name, length = args.need("filename"), args.number("length", 0)
    if length <= 0:
        raise SlackError("invalid_arguments")
    file_id = ctx.workspace.next_id("F")
    ctx.workspace.files[file_id] = {"id": file_id, "name": name, "size": length, "content": None}
    return {"upload_url": f"{ctx.base_url}/upload/{file_id}", "file_id": file_id}


def complete_upload(ctx: Context, args: Args) -> Json:
    wanted = args.structure("files", "invalid_arguments")
    if not isinstance(wanted, list) or not wanted:
        raise SlackError("invalid_arguments")
    shared = []
    for item in wanted:
        stored = ctx.workspace.files.get(str(item.get("id", "")))
        if stored is None or stored["content"] is None:
            raise SlackError("file_not_found")
        stored["title"] = item.get("title") or stored["name"]
        shared.append(
            {
                "id": stored["id"],
                "name": stored["name"],
                "title": stored["title"],
                "size": stored["size"],
                "mimetype": stored["mimetype"],
                "url_private": f"{ctx.base_url}/files/{stored['id']}",
                "permalink": f"{ctx.base_url}/files/{stored['id']}",
            }
        )
    if args.has("channel_id"):
        channel = ctx.joined(args.text("channel_id"))
        if channel.is_archived:
            raise SlackError("is_archived")
        ctx.workspace.post(
            channel,
            seed.BOT_USER,
            enliven(args.text("initial_comment"), [], [], None),
            thread_ts=args.text("thread_ts") or None,
            subtype="file_share",
            files=shared,
        )
    return {"files": shared}


METHODS: dict[str, Method] = {
    "views.open": Method(open_view, per_minute=100),
    "views.push": Method(push_view, per_minute=100),
    "views.update": Method(update_view, per_minute=100),
    "views.publish": Method(publish_view, per_minute=100),
    "files.getUploadURLExternal": Method(upload_url, ("files:write",), per_minute=100),
    "files.completeUploadExternal": Method(complete_upload, ("files:write",), per_minute=100),
}
