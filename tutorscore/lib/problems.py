"""Errors of the API as RFC 9457 problem documents."""

from __future__ import annotations

from typing import Any

from drf_standardized_errors.formatter import ExceptionFormatter
from drf_standardized_errors.handler import exception_handler
from drf_standardized_errors.types import ErrorResponse, ExceptionHandlerContext
from rest_framework.exceptions import APIException
from rest_framework.response import Response
from rest_framework.status import HTTP_400_BAD_REQUEST

CONTENT_TYPE = "application/problem+json"

_TITLES = {
    400: "The request could not be understood",
    401: "A valid API key is needed",
    403: "This key may not do that",
    404: "Not found",
    405: "This method is not allowed here",
    409: "The request is in conflict with another",
    413: "The request is too large",
    415: "This media type is not supported",
    422: "The request cannot be processed",
    429: "Too many requests",
}


def answer_problem(exc: Exception, context: ExceptionHandlerContext) -> Response | None:
    """The exception as a problem document with its own media type."""
    response = exception_handler(exc, context)
    if response is not None:
        response.content_type = CONTENT_TYPE
    return response


class FieldProblemError(APIException):
    """A refusal with a status of its own that may point at one field."""

    def __init__(self, detail: str, code: str, *, status: int, field: str = "") -> None:
        super().__init__(detail, code)
        self.status_code = status
        self.field = field


class ProblemFormatter(ExceptionFormatter):
    """``type, title, status, detail`` and, for bad fields, ``errors`` with a JSON pointer each."""

    def format_error_response(self, error_response: ErrorResponse) -> dict[str, Any]:
        status = getattr(self.exc, "status_code", HTTP_400_BAD_REQUEST)
        problem: dict[str, Any] = {
            "type": "about:blank",
            "title": _TITLES.get(status, "The request failed"),
            "status": status,
            "detail": error_response.errors[0].detail,
        }
        field = getattr(self.exc, "field", "")
        errors = [
            {"pointer": "#/" + attr.replace(".", "/"), "code": error.code, "detail": error.detail}
            for error in error_response.errors
            if (attr := error.attr or field)
        ]
        return problem | ({"errors": errors} if errors else {})
