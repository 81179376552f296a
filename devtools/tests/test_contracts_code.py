"""Numbers that the code has otherwise and grants that nothing uses, in a copy broken on purpose."""

import pytest

from devtools.contracts import numbers_in_code, unused_grants
from devtools.tests.contract_tree import Copy

AUDIT = "shared/contracts/audit/feature.yaml"
LIVE = "shared/contracts/live-notifications/feature.yaml"
MAINTENANCE = "shared/contracts/maintenance/feature.yaml"
DELIVERY = "shared/contracts/event-delivery/feature.yaml"
SETTINGS = {
    "back-auth": {"socket_ticket_seconds": 30},
    "back-websockets": {"ticket_seconds": 60, "messages_per_second": 10},
}


UNUSED = [
    (
        "back-api/services/worker_tasks.py",
        'f"/tasks/{task_id}"',
        'f"/chores/{task_id}"',
        "back-api may call GET /tasks/{task_id} of back-workers, and no code of it does",
    ),
    (
        "back-api/services/worker_tasks.py",
        '.post("/tasks"',
        '.put("/tasks"',
        "back-api may call POST /tasks of back-workers, and no code of it does",
    ),
    (
        "back-workers/outbox_client.py",
        "/postpone",
        "/pause",
        "back-workers may call POST /deliveries/{delivery_id}/postpone of back-postgres",
    ),
    (
        "back-websockets/session_expiry.py",
        'f"/internal/sessions/{sid}"',
        'f"/sessions/{sid}"',
        "back-websockets may call GET /internal/sessions/{sid} of back-auth",
    ),
    (
        "back-websockets/main.py",
        '"/internal/sessions"',
        '"/sessions"',
        "back-websockets may call GET /internal/sessions/{sid} of back-auth",
    ),
    (
        MAINTENANCE,
        '  back-postgres:\n    - shared: ">=2.0.0"\n',
        '  back-postgres:\n    - shared: ">=2.0.0"\n    - back-redis: ">=1.0.0"\n',
        "back-postgres depends on back-redis, and calls nothing of it here",
    ),
    (
        MAINTENANCE,
        "services:\n",
        "services:\n  - name: back-redis\n    provides: [cache]\n",
        "back-redis takes part, and serves, calls and publishes nothing",
    ),
    (
        MAINTENANCE,
        "services:\n",
        "flag: night_shift\n\nservices:\n",
        "no code asks for the flag night_shift",
    ),
    (
        "back-auth/services/permission_service.py",
        '"maintenance:run"',
        '"maintenance:run", "tools:write"',
        "back-auth/services/permission_service.py:13: grants tools:write, and no endpoint",
    ),
]
"""Path, old and new text, and what is said of the grant that nothing uses then."""


class TestNumbers:
    @staticmethod
    def said(copy: Copy) -> str:
        found = numbers_in_code.differing(copy.root, copy.tree().contracts, SETTINGS)
        return "\n".join(map(str, found))

    def test_a_setting_of_one_of_two_services_that_differs(self, copy: Copy) -> None:
        line = copy.line(LIVE, "ticket_seconds")
        what = "ticket_seconds is 30, and back-websockets.ticket_seconds is 60: make them the same"
        assert f"{LIVE}:{line}: {what}" in self.said(copy)

    @pytest.mark.parametrize(
        "path,old,new,what",
        [
            (
                LIVE,
                "back-auth.socket_ticket_seconds",
                "back-auth.ticket_hours",
                "ticket_seconds is back-auth.ticket_hours, and there is no such thing",
            ),
            (
                AUDIT,
                "page_max: {value: 200",
                "page_max: {value: 500",
                "page_max is 500, and shared.models.audit.AUDIT_PAGE_MAX is 200",
            ),
            (
                AUDIT,
                "shared.models.audit.AUDIT_PAGE_MAX",
                "shared.models.audits.AUDIT_PAGE_MAX",
                "page_max is shared.models.audits.AUDIT_PAGE_MAX, and there is no such thing",
            ),
            (
                "docker-compose.yml",
                'UVICORN_WS_MAX_SIZE: "131072"',
                'UVICORN_WS_MAX_SIZE: "262144"',
                "message_max_bytes is 131072, and back-websockets.UVICORN_WS_MAX_SIZE is 262144",
            ),
        ],
    )
    def test_each_kind_of_source(
        self, copy: Copy, path: str, old: str, new: str, what: str
    ) -> None:
        assert what not in self.said(copy)
        copy.replace(path, old, new)
        assert what in self.said(copy)


class TestGrants:
    @staticmethod
    def said(copy: Copy) -> str:
        tree = copy.tree()
        found = unused_grants.unused(tree.root, tree.services, tree.contracts)
        return "\n".join(map(str, found))

    def test_every_grant_is_used(self, copy: Copy) -> None:
        assert self.said(copy) == ""

    def test_each_that_is_not(self, copy: Copy) -> None:
        for path, old, new, _ in UNUSED:
            copy.replace(path, old, new)
        said = self.said(copy)
        for _, _, _, what in UNUSED:
            assert what in said
