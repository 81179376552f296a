"""Each rule for pages, broken on purpose in a small repository."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devtools.checks.docs.addresses import addresses
from devtools.checks.docs.commands import HANDED_OVER, commands, whole
from devtools.checks.docs.numbers import numbers
from devtools.checks.docs.paths import paths
from devtools.checks.docs.rule import docs
from devtools.checks.tree import Finding, Tree

Rule = Callable[[Tree], Iterator[Finding]]
Write = Callable[[str, str], None]

FILES = {
    "pyproject.toml": '[tool.uv.workspace]\nmembers = ["back-api", "devtools"]\n',
    "docker-compose.yml": "services:\n"
    '  back-gateway: {ports: ["127.0.0.1:8000:8000"]}\n'
    '  back-api: {ports: ["127.0.0.1:8100:8100"], environment: {UVICORN_WS_MAX_SIZE: "131072"}}\n'
    '  mailbox: {ports: ["127.0.0.1:8025:8025", "127.0.0.1:1025:1025"]}\n',
    "shared/contracts/profile/feature.yaml": "endpoints:\n"
    "  - {service: back-api, method: GET, path: /api/profile, auth_required: true}\n"
    "  - {service: back-api, method: POST, path: '/api/items/{item_id}', auth_required: true}\n"
    "  - {service: back-api, method: GET, path: /internal, scope: api:read}\n"
    "numbers: {name_max_length: 100, kept_seconds: 900}\n",
    "shared/kit/runtime/settings.py": "class ServiceSettings:\n    call_timeout: float = 2\n",
    "shared/limits.py": "LONGEST = 30 * 86_400\n",
    "devtools/__init__.py": "",
    "mailbox/mailpit.py": '@api.get("/api/v1/message/{mail_id}")\ndef message(): ...\n',
    "back-gateway/kong.yml": "services:\n  - {name: back-api, read_timeout: 10000}\n",
    "back-api/pyproject.toml": '[project]\nname = "back-api"\n',
    "back-api/main.py": "",
    "back-api/settings.py": "from shared.limits import LONGEST\n\n\n"
    "class Settings(ServiceSettings):\n"
    "    pool_size: int = Field(default=10, ge=1)\n"
    "    longest_seconds: int = LONGEST\n"
    "    threads: int = Field(default_factory=count)\n"
    "    folder: Path\n",
    "back-api/features/profile/domain.py": "ATTEMPTS = 3\n",
    "README.md": """# Start

`./dev up` starts it, `./dev logs [SERVICE] [-f]` shows it, `./dev milestone 1|2|3` judges it.

```sh
./dev test back-api -- -k profile   # one part
curl -i http://127.0.0.1:8000/api/items/$item \\
  -d '{}' | head
curl http://127.0.0.1:8025/api/v1/message/$mail
```

See <http://127.0.0.1:8000/health>, `GET /api/profile` and `features/profile/domain.py`.
""",
    "back-api/CONTEXT.md": """# back-api

`main.py`, `shared/limits.py`. Kept for 15 minutes <!-- number: profile.kept_seconds -->,
after 3 <!-- number: features/profile/domain.py:ATTEMPTS --> attempts.

## Numbers
| what | value | source |
|---|---|---|
| connections, a call | 10, 2 s | `POOL_SIZE`, `call_timeout` |
| longest · threads | 30 days · one a core | `LONGEST_SECONDS` `THREADS` |
| name | 100 characters | `profile.name_max_length` |
| folder | required | `FOLDER` |
| reading | 10 s | `back-gateway/kong.yml:back-api.read_timeout` |
| message | 131,072 bytes | `docker-compose.yml:UVICORN_WS_MAX_SIZE` |
""",
}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, text: str) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    for name, text in FILES.items():
        write(name, text)
    return write


@pytest.fixture
def tree(tmp_path: Path, write: Write) -> Tree:
    (tmp_path / "README.md").write_text(
        FILES["README.md"].replace("features/", "back-api/features/")
    )
    return Tree(tmp_path)


def test_true_pages_break_no_rule(tree: Tree) -> None:
    assert list(docs(tree)) == []


@pytest.mark.parametrize(
    "rule,text,said",
    [
        (commands, "`./dev upp`", "there is no upp, there are: admin, check, "),
        (commands, "`./dev up --detached`", "up has no --detached, it has: "),
        (commands, "`./dev contracts chekc`", "there is no chekc"),
        (commands, "`./dev test --bas-url x`", None),  # pytest may have it
        (commands, "`./dev restart back-apii`", "there is no service back-apii"),
        (commands, "```sh\n./dev status --jason\n```", "status has no --jason"),
        (commands, "```sh\ncd x && ./dev dwon\n```", "there is no dwon"),
        (commands, "```python\n./dev dwon\n```", None),
        (addresses, "```sh\ncurl localhost\n```", None),
        (addresses, "```sh\ncurl http://127.0.0.1:8000/api/nothing\n```", "GET /api/nothing"),
        (addresses, "```sh\ncurl http://127.0.0.1:8000/internal\n```", "GET /internal"),
        (addresses, "```sh\ncurl http://127.0.0.1:8100/internal\n```", None),
        (addresses, "```sh\ncurl -X PUT \\\n  http://127.0.0.1:8000/api/profile\n```", "PUT /api/"),
        (addresses, "```sh\ncurl http://127.0.0.1:8000/api/profile -d x\n```", "POST /api/profile"),
        (
            addresses,
            "```sh\ncurl http://127.0.0.1:8025/api/v2/message/1\n```",
            "mailbox has no GET",
        ),
        (addresses, "<http://localhost:8999/x>", "nothing of the stack listens on port 8999"),
        (addresses, "`DELETE /api/profile`", "no contract has DELETE /api/profile"),
        (paths, "`back-api/gone.py`", "there is no back-api/gone.py"),
        (paths, "`gone.yml`", "there is no gone.yml"),
        (paths, "`shared/gone/`", "there is no shared/gone/"),
        (paths, "`settings.py`, `text/html`, `.py`, `x and y`", None),
    ],
)
def test_what_does_not_hold_is_found(
    tree: Tree, write: Write, rule: Rule, text: str, said: str | None
) -> None:
    write("docs/x.md", text)

    found = [it for it in rule(tree) if it.path.name == "x.md"]
    if said is None:
        assert not found
    else:
        assert [said in it.what for it in found] == [True]


def in_table(row: str) -> str:
    return f"## Numbers\n| what | value | source |\n|---|---|---|\n{row}\n"


@pytest.mark.parametrize(
    "text,said",
    [
        (in_table("| pool | 11 | `POOL_SIZE` |"), "11: POOL_SIZE is 10."),
        (in_table("| pool | 10 | `POOLS` |"), "no setting is called pools"),
        (in_table("| pool | 10, 2 s | `POOL_SIZE` |"), "2 values, and 1 sources"),
        (in_table("| longest | 31 days | `LONGEST_SECONDS` |"), "is 2592000."),
        (in_table("| name | 99 | `profile.name_max_length` |"), "is 100."),
        (in_table("| name | 99 | `profile.name_min_length` |"), "no number name_min_length"),
        (in_table("| read | 11 s | `back-gateway/kong.yml:read_timeout` |"), "is 10000."),
        (in_table("| read | 11 s | `gone.py:X` |"), "there is no gone.py"),
        (in_table("| x | 1 | `main.py:X` |"), "main.py has no X"),
        ("## Numbers\n| what | value |\n|---|---|\n| x | 1 |\n", "has columns value and source"),
        ("## Numbers\nAt most 5 of them.\n", "5 of: say where it comes from"),
        ("## Else\nAt most 5 of them.\n", None),
        ("Write `<!-- number: profile.kept_seconds -->`.", None),
        (
            "Kept 16 minutes <!-- number: profile.kept_seconds -->.",
            "16 minutes: profile.kept_seconds",
        ),
        ("Kept <!-- number: profile.kept_seconds -->.", "there is no number before its comment"),
    ],
)
def test_a_number_that_is_not_its_sources_is_found(
    tree: Tree, write: Write, text: str, said: str | None
) -> None:
    write("back-api/CONTEXT.md", text)

    found = [it.what for it in numbers(tree)]
    assert [said in it for it in found] == [True] if said else not found


def test_every_command_that_is_handed_over_is_known() -> None:
    """Else its options would not be checked."""
    handed_over = {
        name
        for name, command in whole().commands.items()
        if command.context_settings.get("allow_extra_args")
    }
    assert handed_over == HANDED_OVER.keys()
