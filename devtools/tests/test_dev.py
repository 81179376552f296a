"""The script ./dev, in a copy of what it reads, with a stand-in for uv."""

import os
import shutil
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

from devtools.workspace.repository import ROOT

FAKE_UV = """#!/bin/sh
echo "$@" >> "{log}"
[ -z "$FAIL_WITH" ] || {{ echo "$FAIL_WITH" >&2; exit 2; }}
sleep 0.3
mkdir -p "$UV_PROJECT_ENVIRONMENT/bin"
words='"$PWD $@" $PYTHONDONTWRITEBYTECODE'
printf '#!/bin/sh\\necho %s\\n' "$words" > "$UV_PROJECT_ENVIRONMENT/bin/python"
chmod +x "$UV_PROJECT_ENVIRONMENT/bin/python"
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose uv is there already, so that only the last step is left to do."""
    folder = tmp_path / "a repository"
    (folder / "devtools").mkdir(parents=True)
    for name in ("dev", "uv.lock", "pyproject.toml", "devtools/pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    shutil.copy(ROOT / "devtools" / "bootstrap.txt", folder / "devtools")
    module = load(folder)
    uv = folder / ".run" / "venvs" / "uv" / "bin" / "uv"
    uv.parent.mkdir(parents=True)
    uv.write_text(FAKE_UV.format(log=folder / "uv.log"))
    uv.chmod(0o755)
    (uv.parent.parent / ".stamp").write_text(module.uv_fingerprint())
    return folder


def load(folder: Path) -> ModuleType:
    loader = SourceFileLoader("dev_script", str(folder / "dev"))
    spec = spec_from_loader(loader.name, loader)
    assert spec
    module = module_from_spec(spec)
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    return module


def call(dev: Path, *words: str, cwd: Path, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, str(dev), *words],
        cwd=cwd,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_it_runs_devtools_from_anywhere_through_a_link(repository: Path, tmp_path: Path) -> None:
    link = tmp_path / "linked"
    link.symlink_to(repository / "dev")
    asked = call(link, "status", "--json", cwd=tmp_path, PYTHONDONTWRITEBYTECODE="1")
    said, _ = asked.communicate()
    assert said.strip() == f"{repository} -m devtools status --json"


def test_the_environment_is_made_once(repository: Path, tmp_path: Path) -> None:
    both = [call(repository / "dev", "help", cwd=tmp_path) for _ in range(2)]
    for one in both:
        one.communicate()
        assert one.returncode == 0
    call(repository / "dev", "help", cwd=tmp_path).communicate()
    asked = (repository / "uv.log").read_text().splitlines()
    assert asked == ["sync --quiet --frozen --exact --package devtools"]


def test_a_new_lock_file_makes_it_anew(repository: Path, tmp_path: Path) -> None:
    call(repository / "dev", "help", cwd=tmp_path).communicate()
    with (repository / "uv.lock").open("a") as lock:
        lock.write("\n")
    call(repository / "dev", "help", cwd=tmp_path).communicate()
    assert len((repository / "uv.log").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    "output,advice",
    [
        ("write failed: No space left on device", "the disk is full; free about 2 GB"),
        ("error: Failed to fetch: dns error", "the package index can't be reached"),
        ("Could not connect, are you offline?", "the package index can't be reached"),
        ("Permission denied (os error 13)", "writable for you"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES", "its hash differs"),
        ("something else", "something else"),
    ],
)
def test_a_failure_is_one_line_that_says_what_to_do(
    repository: Path, tmp_path: Path, output: str, advice: str
) -> None:
    process = call(repository / "dev", "help", cwd=tmp_path, FAIL_WITH=output)
    _, said = process.communicate()
    assert process.returncode == 1
    last = said.strip().splitlines()[-1]
    assert last.startswith("dev: uv failed: ")
    assert advice in last
    assert "Traceback" not in said


def run_with(setting: str) -> "subprocess.CompletedProcess[str]":
    code = f"import runpy, sys; {setting}; runpy.run_path({str(ROOT / 'dev')!r})"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_an_old_python_is_refused() -> None:
    done = run_with("sys.version_info = (3, 9, 2)")
    assert done.returncode == 1
    assert done.stderr.startswith("dev: Python 3.11 or newer is needed, this is ")
    assert "python3.13 dev up" in done.stderr


def test_a_python_without_venv_is_refused(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = load(repository)
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(module.Refused, match=r"apt install python3\.\d+-venv"):
        module.install_uv()
