"""What a change of a file restarts."""

import pytest

from devtools.stack.watch import concerned
from devtools.workspace.repository import ROOT

SERVICES = {
    "back-api": ROOT / "back-api",
    "back-workers": ROOT / "back-workers",
    "back-workers-beat": ROOT / "back-workers",
    "shared": ROOT / "shared",
}


@pytest.mark.parametrize(
    "changed,restarted",
    [
        ("back-api/main.py", {"back-api"}),
        ("back-workers/relay/consumers.py", {"back-workers", "back-workers-beat"}),
        ("shared/kit/errors.py", {*SERVICES}),
        ("shared/kit/contract_registry.json", {*SERVICES}),
        ("shared/contracts/generated/openapi/back-api.json", set()),
        ("shared/testing/waiting.py", set()),
        ("back-api/tests/test_profile.py", set()),
        ("back-api/__pycache__/main.cpython-311.pyc", set()),
        ("back-api/CONTEXT.md", set()),
        ("front-public/app/root.tsx", set()),
    ],
)
def test_a_change_concerns_what_runs_it(changed: str, restarted: set[str]) -> None:
    assert concerned([ROOT / changed], SERVICES, ROOT) == restarted
