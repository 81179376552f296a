"""The HTTP response of a stored command."""

from fastapi import Response

from repositories.command_repository import StoredAnswer


def as_response(answer: StoredAnswer) -> Response:
    """The stored text itself, so that a repeat gets the same bytes."""
    return Response(answer.body, answer.status, media_type="application/json")
