"""The JSON body of a delivery of facts, bounded before it is read and never trusted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser
from rest_framework.utils import json


class TooLargeError(APIException):
    status_code = 413
    default_code = "too_large"


class FactsParser(BaseParser):
    """UTF-8 JSON up to the body limit; NaN, infinities and bottomless nesting are errors of the client."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise TooLargeError(f"A body has at most {limit // 2**20} MB; send the rows in several requests.")
        try:
            return json.loads(body.decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
            raise ParseError(f"The body is not JSON in UTF-8: {reason}") from None
