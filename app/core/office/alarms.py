"""What is wrong with the whole: full queues, cases without timers, overdue ones, dead letters (TI1, TI4, DL1)."""

from __future__ import annotations

from msgspec.structs import replace

from app.core.effects import ChannelNotice
from app.core.errors import Refused
from app.core.office.change import OfficeChange
from app.core.office.values import Alarm, ReportAlarms


def report(change: OfficeChange, command: ReportAlarms) -> None:
    """Each is told once when it begins and once when it is over; Refused where nothing is new."""
    standing = {alarm.key: alarm for alarm in change.office.alarms}
    found = {alarm.key: alarm for alarm in command.found}
    begun = [replace(alarm, at=change.now) for key, alarm in found.items() if key not in standing]
    over = [alarm for key, alarm in standing.items() if key not in found]
    if not begun and not over:
        raise Refused("unchanged", "Everything is as it was reported before.")
    change.set(alarms=(*(alarm for key, alarm in standing.items() if key in found), *begun))
    for alarm in begun:
        change.record("AlarmRaised", alarm=alarm.kind, where=alarm.where, count=alarm.count, cases=list(alarm.cases))
        _tell(change, alarm, over=False)
    for alarm in over:
        change.record("AlarmCleared", alarm=alarm.kind, where=alarm.where)
        _tell(change, alarm, over=True)


def _tell(change: OfficeChange, alarm: Alarm, *, over: bool) -> None:
    world = change.world
    channels = [world.alarm_channel]
    if alarm.kind == "dead_letters":
        channels.append(world.policy_channel)  # who runs the automation mends it (DL1)
    said = {
        "alarm": alarm.kind,
        "where": alarm.where,
        "count": alarm.count,
        "cases": list(alarm.cases),
        "at": change.now.isoformat(),
    }
    for channel in filter(None, dict.fromkeys(channels)):
        change.send(ChannelNotice(channel=channel, kind="alarm_over" if over else "alarm", data=said))
