"""What breaks consumers of an earlier revision, and the versions that let it pass."""

import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache

import pytest

from devtools.contracts import (
    check,
    generated_files,
    required_versions,
    revisions,
)
from devtools.tests.contract_tree import Copy
from devtools.workspace.errors import DevError
from devtools.workspace.repository import ROOT

SHARED = generated_files.version_in(ROOT)
NEXT = f"{int(SHARED.partition('.')[0]) + 1}.0.0"
PROFILE = "shared/contracts/profile/feature.yaml"
LIVE = "shared/contracts/live-notifications/feature.yaml"
VERIFICATION = "shared/contracts/token-verification/feature.yaml"


BREAKS = [
    (
        LIVE,
        "path: /tickets/redeem",
        "path: /tickets/spend",
        "POST /tickets/redeem of back-redis is gone",
        "back-websockets",
    ),
    (
        VERIFICATION,
        "callers: [back-api, back-websockets]",
        "callers: [back-api]",
        "may no longer be called by back-websockets",
        "back-websockets",
    ),
    (
        "shared/contracts/audit/feature.yaml",
        "      user_id: uuid\n",
        "      user_id: {type: uuid, required: true}\n",
        "query user_id is required now",
        "browsers",
    ),
    (
        "shared/contracts/email-verification/feature.yaml",
        "response: {status: 201, model: auth.StoredMailToken}",
        "response: {status: 200, model: auth.StoredMailToken}",
        "answers 200, not 201",
        "back-auth",
    ),
    (
        PROFILE,
        "publisher: back-api\n    consumers: [audit, live, notifications]",
        "publisher: back-api\n    consumers: [audit, notifications]",
        "no longer carries profile.created",
        "browsers",
    ),
    (
        PROFILE,
        "name_max_length: {value: 100",
        "name_max_length: {value: 50",
        "numbers of profile.name_max_length is 50, was 100",
        "back-postgres",
    ),
    (
        "shared/contracts/maintenance/feature.yaml",
        "    permission: maintenance:run\n",
        "    permission: maintenance:start\n",
        "asks for",
        "browsers",
    ),
]
"""Path, old and new text, what is said, and a consumer that breaks."""


@cache
def the_checkout() -> check.Tree:
    """Read once: no test changes it."""
    return check.Tree(ROOT)


def synced(copy: Copy, against: str) -> check.Outcome:
    """What is left to mend after a sync."""
    copy.sync()
    return check.static(copy.tree(), against)


class TestAgainstARevision:
    def test_an_addition_asks_for_a_minor_version(self, copy: Copy) -> None:
        revision = copy.commit()
        copy.replace(
            "shared/contracts/audit/feature.yaml",
            "      before: {type: string, max_length: 200}",
            "      before: {type: string, max_length: 200}\n      after: string",
        )
        outcome = synced(copy, revision)
        assert outcome.wrong == []
        (asked,) = map(str, outcome.asked)
        assert asked.startswith("shared/contracts/audit/feature.yaml:2: additions ask for version")
        assert "query after is new" in asked

    def test_what_breaks_is_named_with_its_consumers(self, copy: Copy) -> None:
        revision = copy.commit()
        for path, old, new, _, _ in BREAKS:
            copy.replace(path, old, new)
        text = "\n".join(map(str, synced(copy, revision).wrong))
        for _, _, _, message, consumer in BREAKS:
            _, _, after = text.partition(message)
            assert f"\n  breaks {consumer}: " in after.partition("\nshared/")[0], message
        assert "is due: consumers break" in text

    def test_a_major_version_makes_it_pass(self, copy: Copy) -> None:
        revision = copy.commit()
        copy.replace(LIVE, "max_bytes: {value: 131072", "max_bytes: {value: 65536")
        major = int(copy.tree().contracts["live-notifications"].contract.version.partition(".")[0])
        (_, due) = map(str, synced(copy, revision).wrong)
        assert due == f"{LIVE}:2: version {major + 1}.0.0 is due: consumers break"
        copy.replace(LIVE, f"version: {major}.", f"version: {major + 1}.")
        assert synced(copy, revision).wrong == []

    def test_a_revision_without_documents_is_refused_in_one_line(self, copy: Copy) -> None:
        copy.commit()
        with pytest.raises(DevError, match="nowhere has no contracts to compare with"):
            revisions.at(copy.root, "nowhere")
        shutil.rmtree(copy.root / "shared/contracts/generated")
        copy.commit()
        with pytest.raises(DevError, match="no documents made from them"):
            revisions.at(copy.root, "HEAD")

    def test_the_last_release_is_the_last_tag_else_the_first_documents(self, copy: Copy) -> None:
        assert revisions.last_release(copy.root) is None
        copy.commit()
        first = revisions.last_release(copy.root)
        assert first is not None
        copy.replace(LIVE, "path: /tickets/redeem", "path: /tickets/spend")
        copy.commit()
        assert revisions.last_release(copy.root) == first
        subprocess.run(["git", "tag", "v1.2.0"], cwd=copy.root, check=True)
        assert revisions.last_release(copy.root) == "v1.2.0"


class TestModels:
    """A model that changes, as the generated files tell of it."""

    @staticmethod
    def verdict(*replaced: tuple[str, str]) -> required_versions.Verdict:
        tree = the_checkout()
        texts = dict(tree.texts) | {file.path: file.text for file in tree.contracts.values()}
        for old, new in replaced:
            texts = {
                path: text.replace(old, new) if path.suffix == ".json" else text
                for path, text in texts.items()
            }
        return required_versions.verdict(
            tree.documents, revisions.Documents.of(texts), tree.contracts
        )

    def test_nothing_changed(self) -> None:
        assert self.verdict() == required_versions.Verdict([], [], [])

    def test_a_field_of_a_payload_that_goes_breaks_who_consumes_the_event(self) -> None:
        found = self.verdict(('"changed"', '"fields"'))
        said = "\n".join(map(str, found.breaks))
        assert "ProfileUpdated.changed is gone, renamed to fields?" in said
        assert "breaks back-cassandra: profile.updated (profile)" in said
        assert "ProfileUpdated.fields is new and required" in said, "old events lie in the store"
        due = "\n".join(map(str, found.versions))
        assert f"pyproject.toml: shared {NEXT} is due" in due
        who = f'shared: ">={NEXT}" is due for back-api, back-postgres: now they take {SHARED}'
        assert who in due

    def test_an_event_that_goes_breaks_who_consumes_it(self) -> None:
        found = self.verdict(('"user.verified"', '"user.confirmed"'))
        said = "\n".join(map(str, found.breaks))
        assert "user.verified is gone" in said
        assert "breaks back-cassandra: user.verified (email-verification)" in said

    def test_another_version_of_an_event_breaks(self) -> None:
        found = self.verdict(('"const": 1\n', '"const": 2\n'))
        said = "\n".join(map(str, found.breaks))
        assert "user.verified.version no longer takes 1" in said
        assert "breaks back-cassandra: user.verified (email-verification)" in said

    def test_a_new_code_of_an_error_asks_for_a_minor_version(self) -> None:
        found = self.verdict(('"email_taken": {', '"email_taken": {}, "email_odd": {'))
        assert found.breaks == []
        assert "may fail with 409 email_odd now" in found.additions[0].what


RENAMED = """
import json, sys
from pathlib import Path
from devtools.contracts import cli
from devtools.tests.contract_tree import Copy, remember_documents

def run(*words):
    try:
        cli.app(words, standalone_mode=False)
    except SystemExit as ended:
        print("exit", ended.code)
    print("=====")

cli.ROOT = Path.cwd()
remember_documents()
against = ("check", "--quick", "--against", "HEAD")
run(*against)
run("sync")
run(*against)
for path, text in json.load(sys.stdin).items():
    Path(path).write_text(text)
Copy(cli.ROOT).sync()
run(*against)
"""


class TestARenamedField:
    """The models are imported, so the whole story is a process of its own."""

    def test_every_consumer_is_named_and_the_major_version_lets_it_pass(self, copy: Copy) -> None:
        copy.commit()
        copy.replace(
            "shared/models/user.py",
            "    email: EmailAddress\n    role: Role\n    status",
            "    mail: EmailAddress\n    role: Role\n    status",
        )
        pyproject = (copy.root / "pyproject.toml").read_text()
        version = (f'version = "{SHARED}"', f'version = "{NEXT}"')
        raised = {"pyproject.toml": pyproject.replace(*version, 1)}
        for name in (
            "account",
            "email-auth",
            "email-verification",
            "password-change",
            "password-reset",
            "user-administration",
            "user-registration",
        ):
            path = f"shared/contracts/{name}/feature.yaml"
            text = (copy.root / path).read_text()
            text = re.sub(r'shared: ">=.*"', f'shared: ">={NEXT}"', text)
            raised[path] = re.sub(r"^version: .*$", "version: 9.0.0", text, flags=re.MULTILINE)

        done = subprocess.run(
            [sys.executable, "-c", RENAMED],
            cwd=copy.root,
            env={**os.environ, "PYTHONPATH": f"{copy.root}:{ROOT}"},
            input=json.dumps(raised),
            capture_output=True,
            text=True,
            check=True,
            timeout=180,
        )

        first, synced, after_sync, last, _ = done.stdout.split("=====\n")
        line = copy.line("shared/models/user.py", "class User(")
        assert f"shared/models/user.py:{line}: User.email is gone, renamed to mail?" in first
        for consumer in ("back-api", "back-auth"):
            assert f"  breaks {consumer}: " in first
        assert "shared/contracts/generated/openapi/back-postgres.json: differs" in first
        assert first.endswith("exit 1\n")
        assert f"pyproject.toml: shared {NEXT} is due" in after_sync, "sync alone mends nothing"
        assert "wrote shared/contracts/generated/openapi/back-postgres.json" in synced
        assert last == "The contracts hold, and break nothing of HEAD.\n"
