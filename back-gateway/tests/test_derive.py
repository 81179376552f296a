from pathlib import Path

import pytest

import derive
from derive import nginx_conf
from kong import Refused, read_kong
from settings import FOLDER, Settings

KONG = read_kong(FOLDER / "kong.yml")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    services = [service.name.upper().replace("-", "_") for service in KONG.services]
    for name in (*(f"{it}_URL" for it in services), "RATE_LIMIT_PER_MINUTE", "SECRETS_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GATEWAY_RUN_DIR", str(tmp_path))
    monkeypatch.setenv("GATEWAY_RESOLVER", "192.0.2.53")


def block(configuration: str, opening: str) -> str:
    """The lines from `opening` to the next closing brace at its own depth."""
    lines = configuration.splitlines()
    first = next(i for i, line in enumerate(lines) if line.strip() == opening)
    depth = len(lines[first]) - len(lines[first].lstrip())
    last = next(i for i in range(first, len(lines)) if lines[i] == f"{' ' * depth}}}")
    return "\n".join(lines[first : last + 1])


class TestUpstreams:
    def test_a_host_name_is_resolved_again(self) -> None:
        upstream = block(nginx_conf(KONG, Settings()), "upstream back-api {")

        assert "server back-api:8100 resolve max_fails=0;" in upstream
        assert "resolver 192.0.2.53 valid=2s" in upstream
        assert "zone back-api" in upstream

    def test_the_environment_overrides_the_url(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BACK_AUTH_URL", "http://127.0.0.1:9999")

        upstream = block(nginx_conf(KONG, Settings()), "upstream back-auth {")

        assert "server 127.0.0.1:9999 max_fails=0;" in upstream
        assert "resolve" not in upstream

    @pytest.mark.parametrize("url", ["127.0.0.1:1", "https://x:1", "http://x:1;}", "http://x:1/a"])
    def test_an_unusable_url_is_refused(self, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
        monkeypatch.setenv("BACK_API_URL", url)

        with pytest.raises(Refused, match=r"environment: .* for back-api"):
            nginx_conf(KONG, Settings())

    def test_time_outs_are_those_of_the_service(self) -> None:
        configuration = nginx_conf(KONG, Settings())

        api = block(configuration, "location ^~ /api/ {")
        ws = block(configuration, "location ^~ /ws/ {")
        assert "proxy_connect_timeout 1000ms;" in api
        assert "proxy_read_timeout 10000ms;" in api
        assert "proxy_pass http://back-api;" in api
        assert "proxy_read_timeout 130000ms;" in ws


class TestLimits:
    @pytest.mark.parametrize("given", [{}, {"RATE_LIMIT_PER_MINUTE": ""}])
    def test_the_limit_is_that_of_kong_yml(
        self, monkeypatch: pytest.MonkeyPatch, given: dict[str, str]
    ) -> None:
        for name, value in given.items():
            monkeypatch.setenv(name, value)

        configuration = nginx_conf(KONG, Settings())

        assert "rate=600r/m;" in configuration
        assert "burst=599 nodelay;" in configuration
        assert "client_max_body_size 1m;" in configuration

    def test_a_load_test_may_raise_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("RATE_LIMIT_PER_MINUTE", "90000")

        configuration = nginx_conf(KONG, Settings())

        assert "zone=requests_of_address:4m rate=90000r/m;" in configuration
        assert "zone=requests_of_address burst=89999 nodelay;" in configuration
        assert "zone=requests_to_app_assets:4m rate=90000r/m;" in configuration

    def test_a_lower_one_leaves_the_assets_of_pages(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("RATE_LIMIT_PER_MINUTE", "20")

        configuration = nginx_conf(KONG, Settings())

        assert "zone=requests_of_address:4m rate=20r/m;" in configuration
        assets = block(configuration, "location ^~ /app/assets/ {")
        assert "limit_req zone=requests_to_app_assets burst=5999 nodelay;" in assets


class TestPaths:
    def test_a_prefix_may_have_its_own_path_without_the_slash(self) -> None:
        configuration = nginx_conf(KONG, Settings())

        assert "js_content gateway.problem" in block(configuration, "location = /api {")
        assert configuration.count("location = /app {") == 1
        assert "proxy_pass http://front-public;" in block(configuration, "location = /app {")
        assert "proxy_pass http://front-public;" in block(configuration, "location = / {")


class TestFrontKeys:
    def test_each_key_in_the_folder_counts(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        for name in ("front-gateway", "front-gateway-next", "mail-tokens"):
            (tmp_path / f"{name}.key").write_text(f"{name}\n", "utf-8")
        monkeypatch.setenv("SECRETS_DIR", str(tmp_path))

        assert Settings().front_keys() == ["front-gateway", "front-gateway-next"]

    def test_fronts_alone_get_the_first_key(self) -> None:
        keys = [letter * 32 for letter in "ab"]

        known = block(nginx_conf(KONG, Settings(), keys), "map $service $key_of_front {")

        assert known.split()[4:-1] == [
            *("default", '"";'),
            *("front-public", f'"{keys[0]}";'),
            *("front-admin", f'"{keys[0]}";'),
        ]

    def test_without_a_folder_no_front_is_known(self) -> None:
        assert Settings().front_keys() == []
        assert "~^" not in block(nginx_conf(KONG, Settings()), "map $http_x_front_key $is_front {")

    @pytest.mark.parametrize("key", ["", "short", 'x" 1; } #' * 9, ".*" * 30])
    def test_another_form_is_refused_and_not_repeated(self, key: str) -> None:
        with pytest.raises(Refused, match="a key of the fronts") as refused:
            nginx_conf(KONG, Settings(), [key])

        assert not key or key not in str(refused.value)


class TestResolver:
    def test_it_is_the_first_ipv4_address_of_the_machine(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.delenv("GATEWAY_RESOLVER")
        file = tmp_path / "resolv.conf"
        file.write_text("search x\nnameserver fe80::1\nnameserver 192.0.2.1\n", "utf-8")

        assert Settings().resolver(file) == "192.0.2.1"

    def test_it_is_that_of_docker_when_the_machine_has_none(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.delenv("GATEWAY_RESOLVER")

        assert Settings().resolver(tmp_path / "absent") == "127.0.0.11"


class TestCommand:
    def test_it_prints_the_configuration(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert derive.main() == 0
        assert capsys.readouterr().out == nginx_conf(KONG, Settings())

    def test_a_refusal_is_one_line_and_a_status(
        self,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path,
    ) -> None:
        file = tmp_path / "kong.yml"
        kong_yml = (FOLDER / "kong.yml").read_text("utf-8")
        file.write_text(kong_yml.replace("size_unit: mega", "size_unit: kilo"), "utf-8")
        monkeypatch.setenv("KONG_FILE", str(file))

        assert derive.main() == 2
        assert capsys.readouterr().err.startswith("kong.yml: plugins[2]")


class TestPrefixes:
    def test_a_prefix_without_its_slash_is_not_found(self) -> None:
        assert "js_content gateway.problem;" in block(
            nginx_conf(KONG, Settings()), "location = /api {"
        )

    def test_it_may_be_routed_beside_the_prefix(self) -> None:
        configuration = nginx_conf(KONG, Settings())

        assert "proxy_pass http://shared;" in block(configuration, "location = /docs {")
        assert "proxy_pass http://shared;" in block(configuration, "location ^~ /docs/ {")
        assert configuration.count("location = /docs {") == 1
