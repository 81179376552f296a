"""The house rules of CONTEXT.md that ruff and mypy don't know."""

import ast
from collections.abc import Iterator

from devtools.checks.names import calls_at_import, dotted
from devtools.checks.tree import Finding, Source, Tree

LINES = 400
OPENS = (
    "aiohttp.ClientSession",
    "asyncpg.connect",
    "asyncpg.create_pool",
    "cassandra.cluster.Cluster",
    "celery.Celery",
    "fastapi.FastAPI",
    "redis.Redis",
    "redis.asyncio",
    "shared.kit.Service",
    "shared.kit.ServiceClient",
    "shared.kit.service_client",
    "sqlalchemy.create_engine",
    "sqlalchemy.ext.asyncio.create_async_engine",
)
TIME_ITSELF = "# time: "
SLEEPS = ("asyncio.sleep", "time.sleep", "sleep")


def settings_at_import(tree: Tree) -> Iterator[Finding]:
    """Settings and secrets are read when the app is made, never when a file is imported."""
    for _, source in _of_services(tree):
        for it in calls_at_import(source.tree):
            if it.module.endswith("Settings") or it.module.endswith(".secret"):
                yield Finding(
                    source.path,
                    it.line,
                    f"{it.module}() runs at import, so that tests and tools can't import the file "
                    "without an environment. Make it in app(), and pass it on.",
                )


def connections_at_import(tree: Tree) -> Iterator[Finding]:
    """What connects, or is an app, is made in app() and opened in its lifespan."""
    for _, source in _of_services(tree):
        for it in calls_at_import(source.tree):
            if it.is_of(*OPENS):
                yield Finding(
                    source.path,
                    it.line,
                    f"{it.module}() at import is state of the whole process: a second app, or a "
                    "test, would share it. Make it in app() and give it to service.resource(…).",
                )


def sleeps_in_tests(tree: Tree) -> Iterator[Finding]:
    """A test waits on a condition in a loop with a deadline; `sleep(0)` only lets others run.

    Where time itself is what is tested, the line says why: `# time: the bucket refills`.
    """
    for member in tree.members:
        for source in member.sources:
            if source.path.name.startswith("test_") and "tests" in source.path.parts:
                lines = source.path.read_text().splitlines()
                for node in _in_no_loop(source):
                    if TIME_ITSELF not in lines[node.lineno - 1]:
                        yield Finding(
                            source.path,
                            node.lineno,
                            "a test sleeps, and fails on a slower machine. Wait on the condition "
                            "in a loop with a deadline (tests/waiting.py has one); where time "
                            f"itself is tested, say so: `{TIME_ITSELF}why`.",
                        )


def small_files(tree: Tree) -> Iterator[Finding]:
    for _, source in tree.shipped:
        lines = source.path.read_text().count("\n")
        if lines > LINES:
            what = f"{lines} lines; a file has at most {LINES}. Split it by what it is about."
            yield Finding(source.path, LINES, what)


def _of_services(tree: Tree) -> Iterator[tuple[str, Source]]:
    for member in (*tree.services, tree.shared):
        for source in member.shipped:
            yield member.name, source


def _in_no_loop(source: Source) -> Iterator[ast.Call]:
    tests = (
        node
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    )
    for test in tests:
        yield from _sleeps(test)


def _sleeps(node: ast.AST) -> Iterator[ast.Call]:
    """Sleeps that stand in no loop and in no function of the test's own, such as a fake."""
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.While() | ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                continue
            case ast.Call(func=func, args=[seconds]) if dotted(func, {}) in SLEEPS:
                if not (isinstance(seconds, ast.Constant) and seconds.value == 0):
                    yield child
        yield from _sleeps(child)
