"""Notifications that an admin sends, until they are at the sockets of their users."""

from benchmarks.writes import write_at_rate
from plan import Call
from result import Result, Session, Target

RATE = 50
FULL_SECONDS = 60
BODY = '{"title": "A notification", "body": "{id}"}'


def notification_to_live(session: Session) -> Result:
    result, seconds = Result(), session.seconds(FULL_SECONDS)
    users, admin = session.users.all(), session.users.admin()
    calls = [
        Call(
            method="POST",
            path=f"/api/admin/users/{user.id}/notify",
            headers=admin.bearer,
            body=BODY,
        )
        for user in users
    ]
    at = f"at {RATE}/s for {seconds:.0f} s"
    writes = write_at_rate(session, result, at, calls, RATE, seconds)
    if writes is None:
        result.void = "notifications were refused"
        return result
    result.targets += [
        Target(f"notifications lost or late by 10 s {at}", writes.lost, 0, ""),
        Target(f"notification due to socket, p99 {at}", writes.live_p99, 150, "ms"),
    ]
    return result
