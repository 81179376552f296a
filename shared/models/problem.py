"""Errors as RFC 9457 problem details."""

from pydantic import BaseModel, ConfigDict, Field


class FieldError(BaseModel):
    """What is wrong with one part of a request; `pointer` is a JSON Pointer (RFC 6901)."""

    pointer: str
    message: str
    code: str


class Problem(BaseModel):
    """`application/problem+json`; `code` is stable and meant for programs."""

    model_config = ConfigDict(extra="ignore")

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    correlation_id: str
    errors: list[FieldError] | None = Field(default=None)
