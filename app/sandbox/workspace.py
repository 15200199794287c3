"""State of the workspace: who is where and what was said. Thread-safe; tests read and turn it directly."""

import threading
from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import Any

from . import seed
from .config import SandboxConfig
from .model import Channel, Content, Group, Json, Message, SlackError, User
from .render import message_json, normalise
from .views import ViewBook

EventSink = Callable[[str, Json], None]


class Workspace:
    """Every change bumps `rev`, tells subscribers, and emits the Slack event it would cause to `emit`."""

    def __init__(self, config: SandboxConfig) -> None:
        self.config = config
        self.lock = threading.RLock()
        self.rev = 0
        self._listeners: set[Callable[[], None]] = set()
        self.emit: EventSink = lambda _scope, _event: None
        self.users: dict[str, User] = {user.id: user for user in seed.people()}
        self.groups: dict[str, Group] = {group.id: group for group in seed.groups()}
        self.channels: dict[str, Channel] = {c.id: c for c in seed.channels(config.now())}
        self.profile_fields = dict(seed.PROFILE_FIELDS)
        self.views = ViewBook(config, self.changed)
        self.files: dict[str, Json] = {}
        self._messages: dict[str, dict[str, Message]] = {cid: {} for cid in self.channels}
        self._order: dict[str, list[str]] = {cid: [] for cid in self.channels}
        self._read: dict[tuple[str, str], str] = {}
        self._last_us = 0
        self._counter = 0

    # --- clock and change -------------------------------------------------------------------------------

    def next_ts(self) -> str:
        """A message timestamp from the workspace clock, later than every one before it."""
        with self.lock:
            self._last_us = max(int(self.config.now() * 1_000_000), self._last_us + 1)
            return f"{self._last_us // 1_000_000}.{self._last_us % 1_000_000:06d}"

    def next_id(self, prefix: str) -> str:
        with self.lock:
            self._counter += 1
            return f"{prefix}{self._counter:07d}"

    def changed(self) -> None:
        with self.lock:
            self.rev += 1
            listeners = list(self._listeners)
        for listener in listeners:
            listener()

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after each change, on whichever thread made it; returns how to stop that."""
        with self.lock:
            self._listeners.add(listener)

        def stop() -> None:
            with self.lock:
                self._listeners.discard(listener)

        return stop

    # --- looking things up ------------------------------------------------------------------------------

    def channel_named(self, name: str) -> Channel:
        """The channel of that name (with or without #); KeyError when there is none."""
        wanted = name.removeprefix("#")
        for channel in self.channels.values():
            if channel.name == wanted and not channel.is_im:
                return channel
        raise KeyError(name)

    def user_named(self, name: str) -> User:
        """The user with that short name; KeyError when there is none."""
        for user in self.users.values():
            if user.name == name:
                return user
        raise KeyError(name)

    def group_named(self, handle: str) -> Group:
        """The user group with that handle (with or without @); KeyError when there is none."""
        for group in self.groups.values():
            if group.handle == handle.removeprefix("@"):
                return group
        raise KeyError(handle)

    def group_handles(self) -> dict[str, str]:
        return {group.handle: group.id for group in self.groups.values()}

    def sees(self, user: str, channel: Channel) -> bool:
        """Whether this person may open the channel at all."""
        if channel.is_im or channel.is_private or self.users[user].is_restricted:
            return user in channel.members
        return True

    def dm(self, user: str) -> Channel:
        """The direct message between the bot and a person, made when first asked for."""
        with self.lock:
            for channel in self.channels.values():
                if channel.is_im and channel.im_user == user:
                    return channel
            cid = f"D{len(self.channels) + 1:02}{user[1:]}"
            channel = Channel(cid, "", "", [seed.BOT_USER, user], is_im=True, im_user=user)
            self._add_channel(channel)
            return channel

    def find(self, channel: str, ts: str) -> Message | None:
        """The message, unless deleted."""
        message = self._messages.get(channel, {}).get(ts)
        return None if message is None or message.deleted else message

    def everything(self, channel: str) -> list[Message]:
        """Every message ever in the channel in time order: replies, private and deleted ones too."""
        with self.lock:
            return [self._messages[channel][ts] for ts in self._order[channel]]

    def messages(self, channel: str, viewer: str | None = None) -> list[Message]:
        """Top-level messages, oldest first; with `viewer`, the private ones for that person too."""
        return [
            m
            for m in self.everything(channel)
            if not m.deleted
            and (not m.is_reply or m.broadcast)
            and (m.ephemeral_to is None or m.ephemeral_to == viewer)
        ]

    def thread(self, channel: str, ts: str, viewer: str | None = None) -> list[Message]:
        """Root, then replies, oldest first; empty when there is no such message."""
        with self.lock:
            root = self._messages[channel].get(ts)
            if root is None:
                return []
            replies = [self._messages[channel][reply] for reply in root.replies]
            shown = [r for r in replies if not r.deleted and r.ephemeral_to in (None, viewer)]
            return [root, *shown] if not root.deleted or shown else []

    # --- messages ---------------------------------------------------------------------------------------

    def post(
        self,
        channel: Channel,
        user: str,
        content: Content,
        *,
        thread_ts: str | None = None,
        broadcast: bool = False,
        ephemeral_to: str | None = None,
        subtype: str | None = None,
        files: Iterable[Json] = (),
        username: str = "",
    ) -> Message:
        """Store a message and tell whoever listens; the thread root must exist."""
        with self.lock:
            root = self._root(channel, thread_ts) if thread_ts is not None else None
            sender = self.users[user]
            message = Message(
                ts=self.next_ts(),
                channel=channel.id,
                user=user,
                content=normalise(content, self.next_id),
                bot_id=sender.bot_id,
                username=username,
                thread_ts=root.ts if root else None,
                broadcast=broadcast,
                subtype=subtype,
                ephemeral_to=ephemeral_to,
                files=list(files),
            )
            self._messages[channel.id][message.ts] = message
            self._order[channel.id].append(message.ts)
            if root is not None:
                root.replies.append(message.ts)
                if ephemeral_to is None and user not in root.reply_users:
                    root.reply_users.append(user)
        self.changed()
        if ephemeral_to is None:
            self._emit_message(channel, {**message_json(message, self), "channel": channel.id})
        return message

    def _root(self, channel: Channel, thread_ts: str) -> Message:
        root = self._messages[channel.id].get(thread_ts)
        if root is None or root.ephemeral_to is not None or (root.deleted and not root.replies):
            raise SlackError("thread_not_found")
        return self._messages[channel.id][root.thread_ts] if root.is_reply and root.thread_ts else root

    def edit(self, message: Message, content: Content, *, shows_edited: bool = False) -> Message:
        """Replace what a message says; the old content stays in `versions`."""
        with self.lock:
            previous = message_json(message, self)
            message.versions.append(message.content)
            message.content = normalise(content, self.next_id)
            message.edited_ts = self.next_ts()
            message.shows_edited = message.shows_edited or shows_edited
            message.state = {}
        self.changed()
        if message.ephemeral_to is None:
            change = {
                "type": "message",
                "subtype": "message_changed",
                "message": message_json(message, self),
                "previous_message": previous,
                "hidden": True,
                "ts": message.edited_ts,
            }
            self._emit_message(self.channels[message.channel], change)
        return message

    def delete(self, message: Message) -> None:
        """Take a message away; a root with replies stays as a tombstone."""
        with self.lock:
            previous = message_json(message, self)
            message.deleted = True
            root = self._messages[message.channel].get(message.thread_ts or "")
            if root is not None and message.ts in root.replies:
                root.replies.remove(message.ts)
        self.changed()
        if message.ephemeral_to is None:
            gone = {
                "type": "message",
                "subtype": "message_deleted",
                "deleted_ts": message.ts,
                "previous_message": previous,
                "hidden": True,
                "ts": self.next_ts(),
            }
            self._emit_message(self.channels[message.channel], gone)

    def react(self, message: Message, user: str, name: str) -> None:
        with self.lock:
            people = message.reactions.setdefault(name, [])
            if user in people:
                raise SlackError("already_reacted")
            people.append(user)
        self.changed()

    def _emit_message(self, channel: Channel, event: Json) -> None:
        if seed.BOT_USER not in channel.members:
            return
        kinds = {"im": "im", "private_channel": "group", "public_channel": "channel"}
        scope = {"im": "message.im", "group": "message.groups", "channel": "message.channels"}
        kind = kinds[channel.kind]
        event = {**event, "channel": channel.id, "channel_type": kind, "event_ts": event["ts"]}
        self.emit(scope[kind], event)

    # --- reading ----------------------------------------------------------------------------------------

    def mark_read(self, user: str, channel: str) -> None:
        with self.lock:
            order = self._order[channel]
            self._read[user, channel] = order[-1] if order else ""
        self.changed()

    def unread(self, user: str, channel: str) -> tuple[int, bool]:
        """(unread top-level messages, whether one of them or an unread reply pinged this person)."""
        mine = {user, "channel", "here", "everyone"}
        mine |= {group.id for group in self.groups.values() if user in group.users}
        with self.lock:
            order = self._order[channel]
            start = bisect_right(order, self._read.get((user, channel), ""))
            fresh = [self._messages[channel][ts] for ts in order[start:]]
            shown = [m for m in fresh if not m.deleted and m.user != user and m.ephemeral_to in (None, user)]
            count = sum(not m.is_reply or m.broadcast for m in shown)
            return count, any(mine.intersection(m.pings) for m in shown)

    # --- what an administrator does -----------------------------------------------------------------------

    def _add_channel(self, channel: Channel) -> None:
        self.channels[channel.id] = channel
        self._messages[channel.id] = {}
        self._order[channel.id] = []
        self.changed()

    def add_channel(self, name: str, members: Iterable[str] = (), *, is_private: bool = False) -> Channel:
        """A new channel; the bot is in it only if named among the members."""
        with self.lock:
            cid = self.next_id("C9")
            created = int(self.config.now())
            channel = Channel(cid, name, "", list(members), is_private=is_private, created=created)
            self._add_channel(channel)
        return channel

    def add_user(self, user: User) -> User:
        with self.lock:
            self.users[user.id] = user
        self.changed()
        return user

    def join(self, channel: Channel, user: str) -> None:
        with self.lock:
            if user in channel.members:
                return
            channel.members.append(user)
        self.changed()
        self._emit_member("member_joined_channel", channel, user)

    def leave(self, channel: Channel, user: str) -> None:
        """A person, or the bot itself when kicked, is no longer in the channel."""
        with self.lock:
            if user not in channel.members:
                return
            channel.members.remove(user)
        self.changed()
        self._emit_member("member_left_channel", channel, user)

    def kick_bot(self, channel: Channel) -> None:
        self.leave(channel, seed.BOT_USER)

    def _emit_member(self, kind: str, channel: Channel, user: str) -> None:
        letter = "G" if channel.is_private else "C"
        event: Json = {"type": kind, "user": user, "channel": channel.id, "channel_type": letter}
        self.emit(kind, {**event, "team": seed.TEAM_ID, "event_ts": self.next_ts()})

    def archive(self, channel: Channel, *, by: str = "U03PRIYA") -> None:
        self._archive("channel_archive", channel, by, True)

    def unarchive(self, channel: Channel, *, by: str = "U03PRIYA") -> None:
        self._archive("channel_unarchive", channel, by, False)

    def _archive(self, kind: str, channel: Channel, by: str, archived: bool) -> None:
        with self.lock:
            channel.is_archived = archived
        self.changed()
        self.emit(kind, {"type": kind, "channel": channel.id, "user": by, "event_ts": self.next_ts()})

    def deactivate(self, user_id: str) -> None:
        """The person can no longer act, and leaves every user group as in Slack."""
        with self.lock:
            user = self.users[user_id]
            user.deleted = True
            for group in self.groups.values():
                if user_id in group.users:
                    group.users.remove(user_id)
        self.changed()
        event: dict[str, Any] = {"type": "user_change", "user": {"id": user_id, "deleted": True}}
        self.emit("user_change", {**event, "event_ts": self.next_ts()})

    def set_group(self, handle: str, users: Iterable[str]) -> None:
        """Replace the members of a user group."""
        group = self.group_named(handle)
        with self.lock:
            before, group.users = set(group.users), list(users)
        self.changed()
        event = {
            "type": "subteam_members_changed",
            "subteam_id": group.id,
            "team_id": seed.TEAM_ID,
            "added_users": sorted(set(group.users) - before),
            "removed_users": sorted(before - set(group.users)),
            "event_ts": self.next_ts(),
        }
        self.emit("subteam_members_changed", event)
