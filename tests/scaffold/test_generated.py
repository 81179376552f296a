"""What ./dev new writes passes all checks and tests unchanged, and can be removed again."""

import pytest

from tests.scaffold.clone import Clone

pytestmark = pytest.mark.timeout(1800)  # environments are made, and other tests run inside

SERVICES = "back-api,back-postgres,back-redis,front-public"
FEATURE = ("new", "feature", "saved-searches", "--services", SERVICES)
FIELDS = (
    *("--field", "title:line", "--field", "query_text:text", "--field", "hits:integer"),
    *("--field", "shared_by_link:boolean", "--field", "due_at:instant"),
    *("--field", "source_id:uuid"),
)
SERVICE = ("new", "service", "back-reports")


class TestUntouched:
    def test_a_feature_passes_checks_and_tests(self, clone: Clone) -> None:
        clone.dev(*FEATURE, *FIELDS)

        for part in ("back-api", "back-postgres", "front-public", "shared", "docs"):
            clone.dev("check", part)
        clone.dev("test", "back-api", "-k", "saved_searches or test_event_consumers")
        clone.dev("test", "back-postgres", "-k", "saved_searches or test_access or TestSteps")
        clone.dev("test", "front-public", "front-admin", "front-kit")
        assert "missing" not in clone.dev("feature", "status", "saved-searches")

    def test_a_feature_passes_its_tests_on_a_stack(self, clone: Clone) -> None:
        clone.dev(*FEATURE, *FIELDS)

        parts = ("adapters-back-api", "integration", "e2e", "browser")
        clone.dev("test", *parts, "-k", "saved_searches")

    def test_a_service_passes_checks_and_tests(self, clone: Clone) -> None:
        clone.dev(*SERVICE)

        for part in ("back-reports", "back-gateway", "contracts", "docs"):
            clone.dev("check", part)
        clone.dev("test", "back-reports", "back-gateway")


class TestRemoved:
    def test_both_leave_no_file(self, clone: Clone) -> None:
        clone.dev("new", "feature", "notes", "--defaults")
        clone.dev(*SERVICE)

        clone.dev("feature", "remove", "notes")
        clone.dev("service", "remove", "back-reports")

        assert clone.status() == ""
        assert not (clone.root / "back-reports").exists()
        assert not (clone.root / "back-api" / "features" / "notes").exists()
        assert not (clone.root / "front-public" / "app" / "features" / "notes").exists()

    def test_what_was_edited_stays_and_is_named(self, clone: Clone) -> None:
        clone.dev("new", "feature", "notes", "--services", "back-api,back-postgres")
        model = clone.root / "shared" / "models" / "notes.py"
        model.write_text(model.read_text() + "# kept\n")
        main = clone.root / "back-postgres" / "main.py"
        main.write_text(main.read_text().replace("NoteRepository", "Notes"))
        (clone.root / "back-api" / "features" / "notes" / "more.py").touch()
        before = clone.status()

        done = clone.tried("feature", "remove", "notes")

        assert done.returncode == 1
        for edited in ("shared/models/notes.py", "back-postgres/main.py", "notes/more.py"):
            assert edited in done.stdout
        assert clone.status() == before


class TestRefused:
    @pytest.mark.parametrize(
        "words, why",
        [
            (("new", "feature", "notes", "--services", "front-admin"), "written by hand"),
            (("new", "feature", "notes", "--services", "back-api"), "needs back-postgres too"),
            (("new", "feature", "profile", "--services", "back-api,back-postgres"), "already"),
            (("new", "feature", "notes"), "--services"),
            (("new", "feature", "notes", "--defaults", "--field", "bool:boolean"), "bool"),
            (("new", "feature", "settings", "--defaults"), "settings"),
            (("new", "service", "back-class"), "back-class"),
            (("new", "service", "reports"), "back-reports"),
            (("new", "service", "back-reports", "--port", "8100"), "8100"),
            (("new", "service", "back-reports", "--public", "/api"), "/api"),
            (("feature", "remove", "profile"), "by hand"),
        ],
    )
    def test_says_why_in_one_line(self, clone: Clone, words: tuple[str, ...], why: str) -> None:
        done = clone.tried(*words)

        assert done.returncode == 1
        assert why in done.stdout.splitlines()[-1]
        assert clone.status() == ""
