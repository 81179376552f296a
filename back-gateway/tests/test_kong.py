from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from kong import Refused, read_kong

FILE = Path(__file__).resolve().parent.parent / "kong.yml"
Tree = dict[str, Any]
Change = Callable[[Tree], object]


def changed(tmp_path: Path, change: Change) -> Path:
    tree = yaml.safe_load(FILE.read_text("utf-8"))
    change(tree)
    file = tmp_path / "kong.yml"
    file.write_text(yaml.safe_dump(tree), "utf-8")
    return file


class TestRead:
    def test_the_committed_file_is_within_the_subset(self) -> None:
        kong = read_kong(FILE)

        paths = {
            path: service.name
            for service in kong.services
            for route in service.routes
            for path in route.paths
        }
        assert (
            paths.items()
            >= {
                "/api/": "back-api",
                "~/health$": "back-api",
                "/auth/": "back-auth",
                "/.well-known/": "back-auth",
                "/ws/": "back-websockets",
                "~/$": "front-public",
                "~/app$": "front-public",
                r"~/app\.data$": "front-public",
                "/admin/": "front-admin",
            }.items()
        )
        assert kong.rate_limiting.minute == 600
        assert kong.size_limiting.allowed_payload_size == 1
        assert kong.cors.credentials

    def test_a_socket_may_be_idle_for_longer_than_the_service_allows(self) -> None:
        services = {service.name: service for service in read_kong(FILE).services}

        assert services["back-websockets"].read_timeout > 120_000


class TestRefuse:
    @pytest.mark.parametrize(
        "change, place",
        [
            (lambda t: t.update(consumers=[]), "consumers: "),
            (lambda t: t.update(_format_version="2.1"), "_format_version: "),
            (lambda t: t.update(services=[]), "services: "),
            (lambda t: t["services"][0].update(host="x"), "services[0].host: "),
            (lambda t: t["services"][1].update(retries=5), "services[1].retries: "),
            (lambda t: t["services"][1].pop("retries"), "services[1].retries: "),
            (lambda t: t["services"][0].update(url="https://x:1"), "services[0].url: "),
            (lambda t: t["services"][0].update(url="http://x:1/internal"), "services[0].url: "),
            (lambda t: t["services"][0].update(name="a; b"), "services[0].name: "),
            (lambda t: t["services"][0].update(connect_timeout=0), "services[0].connect_timeout: "),
            (lambda t: t["services"][0].update(read_timeout="1s"), "services[0].read_timeout: "),
            (
                lambda t: t["services"][0]["routes"][1].update(strip_path=True),
                "services[0].routes[1].strip_path: ",
            ),
            (
                lambda t: t["services"][0]["routes"][0].pop("strip_path"),
                "services[0].routes[0].strip_path: ",
            ),
            (
                lambda t: t["services"][0]["routes"][0].update(hosts=["x"]),
                "services[0].routes[0].hosts: ",
            ),
            (
                lambda t: t["services"][0]["routes"][0].update(plugins=[t["plugins"][0]]),
                "services[0].routes[0].plugins[0].name: ",
            ),
            (
                lambda t: t["services"][0]["routes"][0].update(plugins=[t["plugins"][1]] * 2),
                "services[0].routes[0].plugins: ",
            ),
            (lambda t: t["plugins"].append({"name": "jwt"}), "plugins[4]: "),
            (
                lambda t: t["plugins"][1]["config"].update(policy="redis"),
                "plugins[1].rate-limiting.config.policy: ",
            ),
            (
                lambda t: t["plugins"][0]["config"].update(origins=["*"]),
                "plugins[0].cors.config.origins[0]: ",
            ),
            (
                lambda t: t["plugins"][0]["config"].update(headers=['X"; return 200; #']),
                "plugins[0].cors.config.headers[0]: ",
            ),
        ],
    )
    def test_what_is_outside_is_refused_with_its_place(
        self, tmp_path: Path, change: Change, place: str
    ) -> None:
        with pytest.raises(Refused) as refused:
            read_kong(changed(tmp_path, change))

        assert str(refused.value).startswith(f"kong.yml: {place}")

    @pytest.mark.parametrize(
        "path",
        ["/", "/api", "api/", "/a b/", "/api/(.*)", "~/health", "~/heal.h$", "/api/;}/", "/%61/"],
    )
    def test_a_path_is_a_prefix_that_ends_in_a_slash_or_an_exact_path(
        self, tmp_path: Path, path: str
    ) -> None:
        def change(tree: Tree) -> None:
            tree["services"][0]["routes"][0]["paths"] = [path]

        with pytest.raises(Refused, match=r"services\[0\]\.routes\[0\]\.paths\[0\]: "):
            read_kong(changed(tmp_path, change))

    @pytest.mark.parametrize(
        "change, reason",
        [
            (lambda t: t["services"].append(t["services"][0]), "name back-api is used"),
            (lambda t: t["services"][0]["routes"][1].update(name="api"), "route name api is used"),
            (lambda t: t["services"][1]["routes"][0].update(paths=["/api/"]), "path /api/ is used"),
            (lambda t: t["plugins"].append(t["plugins"][0]), "plugin cors is used more than once"),
            (lambda t: t["plugins"].pop(1), "plugins: rate-limiting missing"),
        ],
    )
    def test_names_paths_and_plugins_are_unique(
        self, tmp_path: Path, change: Change, reason: str
    ) -> None:
        with pytest.raises(Refused, match=reason):
            read_kong(changed(tmp_path, change))

    def test_malformed_yaml_is_refused(self, tmp_path: Path) -> None:
        file = tmp_path / "kong.yml"
        file.write_text("services: [", "utf-8")

        with pytest.raises(Refused, match=r"(?s)kong\.yml: .*line 1"):
            read_kong(file)
