"""Maps errors of PostgreSQL to those of `shared.kit.errors`."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from shared.kit.errors import (
    Conflict,
    InvalidRequest,
    NotFound,
    ServiceError,
    TimedOut,
    Unavailable,
)

_MEANINGS: dict[str, tuple[type[ServiceError], str, str]] = {
    "users_email_key": (Conflict, "email_taken", "Another user has this address."),
    "users_keep_an_admin": (Conflict, "last_admin", "No active admin would be left."),
    "users_pkey": (Conflict, "user_exists", "A user with this id exists."),
    "registrations_pkey": (Conflict, "registration_exists", "This registration exists."),
    "registrations_credential_id_key": (
        NotFound,
        "credential_not_found",
        "The credential is another registration's.",
    ),
    "credentials_pkey": (Conflict, "credential_exists", "A credential with this id exists."),
    "profiles_pkey": (Conflict, "profile_exists", "A profile with this id exists."),
    "profiles_user_id_key": (Conflict, "profile_exists", "The user has a profile."),
    "tasks_pkey": (Conflict, "task_exists", "A task with this id exists."),
    "tasks_owner_id_fkey": (NotFound, "user_not_found", "There is no such user."),
    "tools_pkey": (Conflict, "tool_exists", "A tool with this id exists."),
    "tools_name_key": (Conflict, "tool_name_taken", "Another tool has this name."),
    "favourites_tool_id_fkey": (NotFound, "tool_not_found", "There is no such tool."),
    "tool_launches_tool_id_fkey": (NotFound, "tool_not_found", "There is no such tool."),
    "events_pkey": (Conflict, "event_exists", "An event with this id exists."),
}

_NOT_REACHED = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
)


@contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's errors into those of `shared.kit.errors`; other errors pass."""
    try:
        yield
    except asyncpg.IntegrityConstraintViolationError as error:
        raise _broken_constraint(error) from error
    except (TimeoutError, asyncpg.QueryCanceledError, asyncpg.LockNotAvailableError) as error:
        raise TimedOut("The database took too long.") from error
    except asyncpg.DataError as error:
        raise InvalidRequest("PostgreSQL can't store this value.", code="value_refused") from error
    except _NOT_REACHED as error:
        raise Unavailable("The database can't be reached at present.", retry_after=1) from error


def _broken_constraint(error: asyncpg.IntegrityConstraintViolationError) -> ServiceError:
    name = error.constraint_name or ""
    if name in _MEANINGS:
        meaning, code, detail = _MEANINGS[name]
        return meaning(detail, code=code)
    if name.endswith("_user_id_fkey"):
        return NotFound("There is no such user.", code="user_not_found")
    return InvalidRequest(f"The constraint {name} forbids this.", code="constraint_violated")
