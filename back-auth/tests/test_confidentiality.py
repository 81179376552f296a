"""What must never be read in a log or in an answer: passwords, addresses, tokens, hashes."""

import json

import pytest

from features.email_auth.infrastructure import PostgresAccounts
from tests.conftest import EMAIL, PASSWORD, Stack, bearer

SECRET = "a-secret-that-nobody-may-read"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def test_no_log_line_holds_a_secret(
    stack: Stack, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = await stack.add_registration()
    mail_token = await stack.mint(user_id)
    await stack.client.get("/auth/verify-email", params={"token": mail_token})
    for password in (SECRET, PASSWORD):
        confirm = {"token": mail_token, "password": password}
        await stack.client.post("/auth/verify-email", json=confirm)
    await stack.log_in(password=SECRET)
    first_access, first_refresh = await stack.tokens()
    second_refresh = str((await stack.refresh(first_refresh)).json()["refresh_token"])
    await stack.refresh(second_refresh)
    await stack.refresh(first_refresh)
    access, refresh = await stack.tokens()
    ticket = await stack.client.post("/auth/ws-ticket", headers=bearer(access))
    await stack.client.post("/auth/logout", headers=bearer(access))
    assert stack.redis.published("auth.refresh.reused")
    device_token = str((await stack.log_in()).json()["device_token"])
    await stack.log_in(password=SECRET, device_token=device_token)
    with stack.redis.outage():
        await stack.log_in(device_token=device_token)
        await stack.refresh(refresh)
    with stack.postgres.outage():
        await stack.log_in()

    async def crash(*_: object) -> None:
        raise RuntimeError("a crash")

    monkeypatch.setattr(PostgresAccounts, "find", crash)
    crashed = await stack.log_in()
    assert crashed.status == 500

    logged = capfd.readouterr().out
    assert "request_crashed" in logged
    assert '"path":"/auth/login"' in logged
    for secret in (
        PASSWORD,
        SECRET,
        EMAIL,
        EMAIL.partition("@")[0] + "@",
        mail_token,
        first_access,
        access,
        first_refresh.partition(".")[2],
        second_refresh.partition(".")[2],
        refresh.partition(".")[2],
        str(ticket.json()["ticket"]),
        device_token,
        stack.postgres.hashes[user_id],
        "BEGIN PRIVATE KEY",  # pragma: allowlist secret
    ):
        assert secret not in logged


@pytest.mark.parametrize(
    "path, body",
    [
        ("/auth/login", {"email": EMAIL, "password": [SECRET]}),
        ("/auth/login", {"email": SECRET, "password": "x"}),
        ("/auth/login", {"email": EMAIL, "password": "x", "other": SECRET}),
        ("/auth/login", {"email": EMAIL, "password": SECRET * 10}),
        ("/auth/login", SECRET),
        ("/auth/refresh", {"refresh_token": SECRET + "\n"}),
        ("/auth/refresh", {"refresh_token": SECRET}),
        ("/auth/verify-email", {"token": SECRET + "\n", "password": SECRET}),
        ("/auth/verify-email", {"token": SECRET, "password": SECRET}),
        ("/internal/credentials", {"password": SECRET + "\x00"}),
    ],
)
async def test_a_refusal_never_quotes_what_was_sent(
    stack: Stack, capfd: pytest.CaptureFixture[str], path: str, body: object
) -> None:
    headers = stack.keys.assertion(caller="back-api", to="back-auth")
    reply = await stack.client.post(
        path,
        content=json.dumps(body).encode(),
        headers=headers | {"Content-Type": "application/json"},
    )
    assert 400 <= reply.status < 500
    assert SECRET not in reply.text
    assert SECRET not in capfd.readouterr().out


async def test_a_crash_says_nothing_of_itself(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(*_: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(PostgresAccounts, "find", crash)
    reply = await stack.log_in()
    assert reply.status == 500
    assert reply.headers["content-type"] == "application/problem+json"
    assert SECRET not in reply.text


async def test_the_page_of_a_refused_form_quotes_nothing(stack: Stack) -> None:
    reply = await stack.client.post(
        "/auth/verify-email", content=f"token={SECRET}&password={SECRET}".encode(), headers=FORM
    )
    assert SECRET not in reply.text
