"""Each rule for pages, broken on purpose in a small repository."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devtools.checks.pages import docs
from devtools.checks.pages.addresses import addresses
from devtools.checks.pages.commands import commands
from devtools.checks.pages.targets import paths
from devtools.checks.tree import Finding, Tree
from devtools.cli import command_tree

Rule = Callable[[Tree], Iterator[Finding]]


def known_commands(tree: Tree) -> Iterator[Finding]:
    return commands(tree, command_tree())


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
    "shared/limits.py": "LONGEST = 30 * 86_400\n",
    "devtools/__init__.py": "",
    "mailbox/mailpit.py": '@api.get("/api/v1/message/{mail_id}")\ndef message(): ...\n',
    "back-api/pyproject.toml": '[project]\nname = "back-api"\n',
    "back-api/main.py": "",
    "back-api/settings.py": "",
    "back-api/features/profile/domain.py": "ATTEMPTS = 3\n",
    "package.json": '{"workspaces": ["front-public", "front-not-yet"]}',
    "front-public/package.json": "{}",
    "front-public/app/root.tsx": "",
    "back-gateway/kong.yml": "services:\n"
    "  - {name: front-public, routes: [{paths: [/app/, '~/app$']}]}\n"
    "  - {name: back-api, routes: [{paths: [/api/]}]}\n",
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
    "back-api/CONTEXT.md": "# back-api\n\n`main.py`, `shared/limits.py`.\n",
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
    assert list(docs(tree, command_tree())) == []


@pytest.mark.parametrize(
    "rule,text,said",
    [
        (known_commands, "`./dev upp`", "there is no upp, there are: admin, bench, check, "),
        (known_commands, "`./dev up --detached`", "up has no --detached, it has: "),
        (known_commands, "`./dev contracts chekc`", "there is no chekc"),
        (known_commands, "`./dev test --bas-url x`", None),  # pytest may have it
        (known_commands, "`./dev restart back-apii`", "there is no service back-apii"),
        (known_commands, "```sh\n./dev status --jason\n```", "status has no --jason"),
        (known_commands, "```sh\ncd x && ./dev dwon\n```", "there is no dwon"),
        (known_commands, "```python\n./dev dwon\n```", None),
        (known_commands, "`./dev restart front-public`", None),
        (known_commands, "`./dev restart front-publick`", "there is no service front-publick"),
        (paths, "`front-public/app/gone.tsx`", "there is no front-public/app/gone.tsx"),
        (addresses, "<http://127.0.0.1:8000/app> <http://127.0.0.1:8000/app/login>", None),
        (addresses, "<http://127.0.0.1:8000/application>", "has no GET /application"),
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
