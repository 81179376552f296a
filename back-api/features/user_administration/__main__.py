"""`python -m features.user_administration EMAIL [--password-stdin]`, run beside the service."""

import argparse
import asyncio
import getpass
import secrets
import sys

from pydantic import TypeAdapter, ValidationError

from features.user_administration.domain import Administrators
from services.auth_credentials import AuthCredentials
from services.operator import operator
from services.postgres_users import PostgresUsers
from settings import Settings
from shared.kit import Connect, service_client
from shared.kit.errors import ServiceError
from shared.kit.http.context import correlated
from shared.kit.runtime.log import configure_logging
from shared.models.user import EmailAddress, Password

_ADDRESS = TypeAdapter[str](EmailAddress)
_PASSWORD = TypeAdapter[str](Password)


class Refused(Exception):
    """The command was refused; the text is the reason."""


def main(arguments: list[str]) -> int:
    """Run the command. The exit status is 0 when the user is an admin, else 1."""
    parser = argparse.ArgumentParser(prog="./dev admin create")
    parser.add_argument("email")
    parser.add_argument("--password-stdin", action="store_true")
    parser.add_argument("--operator", default="", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    configure_logging("back-api", level="ERROR")
    try:
        print(
            asyncio.run(make_admin(given.email, from_stdin=given.password_stdin, by=given.operator))
        )
    except (Refused, ServiceError) as error:
        print(error.detail if isinstance(error, ServiceError) else error, file=sys.stderr)
        return 1
    return 0


async def make_admin(
    email: str, *, from_stdin: bool, by: str = "", connect: Connect | None = None
) -> str:
    """Create or promote an admin; the text to print. `by` is who runs the command.

    Raises:
        Refused: the address or the password is not valid.
        ServiceError: a service refused the call or can't be reached.
    """
    address = _checked(_ADDRESS, email, "the address")
    settings = Settings()
    auth_at = connect("back-auth") if connect else settings.back_auth_url
    postgres_at = connect("back-postgres") if connect else settings.back_postgres_url
    async with (
        service_client(settings, "back-auth", auth_at) as auth,
        service_client(settings, "back-postgres", postgres_at) as postgres,
    ):
        administrators = Administrators(
            PostgresUsers(postgres), AuthCredentials(auth), operator=by or operator()
        )
        with correlated(None):
            user = await administrators.find(address)
            if user is not None:
                outcome = await administrators.promote(user)
                return f"{address} is an admin ({outcome}); the password stays as it was"
            password, made = _password(from_stdin=from_stdin)
            user_id = await administrators.create(address, password)
    shown = f"\npassword (shown this once): {password}" if made else ""
    return f"{address} is an admin now (user {user_id}){shown}"


def _password(*, from_stdin: bool) -> tuple[str, bool]:
    """The password, and whether it was generated."""
    if from_stdin:
        return _checked(_PASSWORD, sys.stdin.readline().rstrip("\n"), "the password"), False
    if sys.stdin.isatty():
        typed = getpass.getpass("Password (empty: one is made): ")
        if typed:
            return _checked(_PASSWORD, typed, "the password"), False
    return secrets.token_urlsafe(18), True


def _checked(kind: TypeAdapter[str], text: str, what: str) -> str:
    try:
        return kind.validate_python(text)
    except ValidationError as error:
        raise Refused(f"{what} can't be used: {error.errors()[0]['msg']}") from None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
