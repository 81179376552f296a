"""Every error as RFC 9457 `application/problem+json`."""

import re
import uuid
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from mail_folder import MailNotFound

CORRELATION_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def answer_problems(app: FastAPI) -> None:
    @app.exception_handler(MailNotFound)
    async def mail_not_found(request: Request, error: MailNotFound) -> JSONResponse:
        return problem(request, 404, f"There is no mail {error}.")

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> JSONResponse:
        return problem(request, error.status_code, error.detail)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        errors = [
            {
                "pointer": "/" + "/".join(str(step) for step in one["loc"]),
                "message": one["msg"],
                "code": one["type"],
            }
            for one in error.errors()
        ]
        return problem(request, 422, "The request is not valid.", errors)

    @app.exception_handler(Exception)
    async def failure(request: Request, _: Exception) -> JSONResponse:
        return problem(request, 500, "The mailbox failed; its log says why.")


def problem(
    request: Request, status: int, detail: str, errors: list[dict[str, str]] | None = None
) -> JSONResponse:
    given = request.headers.get("X-Correlation-ID", "")
    title = HTTPStatus(status).phrase
    body: dict[str, object] = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": request.url.path,
        "code": title.lower().replace(" ", "_"),
        "correlation_id": given if CORRELATION_ID.fullmatch(given) else str(uuid.uuid4()),
    }
    if errors:
        body["errors"] = errors
    return JSONResponse(body, status, media_type="application/problem+json")
