"""Facts sent by a partner: one row or a list, an outcome for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import APIException, ParseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.sessions.api.parsers import FactsParser, TooLargeError
from apps.sessions.api.schema import MAX_ROWS, DeliverySerializer, ProblemSerializer, request_schema
from apps.sessions.ingest.doors import ingest_rows
from apps.sessions.ingest.entities import ENTITIES
from apps.sessions.ingest.results import REFUSED, RowOutcome, RowResult
from apps.sessions.models import Entity
from tutorscore.accounts.models import Partner, Scope
from tutorscore.lib.problems import FieldProblemError


class FactsView(APIView):
    """POST of one entity. Rows are applied in one transaction, but each on its own: a bad row stops no other."""

    entity: ClassVar[Entity]
    required_scope = Scope.FACTS_WRITE
    parser_classes = (FactsParser,)

    def post(self, request: Request) -> Response:
        partner = request.user
        assert isinstance(partner, Partner)  # PartnerKeyAuthentication puts it there
        if request.stream is None:
            raise ParseError("The body is empty.")
        rows = _rows_of(request.data)
        results = ingest_rows(
            partner=partner,
            entity=self.entity,
            rows=rows,
            now=timezone.now(),
            source=f"POST {request.path}"[:255],
        )
        refused = any(result.outcome in REFUSED for result in results)
        if refused and isinstance(request.data, dict):
            raise _problem_of(results[0])
        return Response(_answer(self.entity, rows, results), status=207 if refused else 200)


def facts_view(entity: Entity) -> type[FactsView]:
    """The view of one entity, described in the schema by the entity's own fields."""
    problem = OpenApiResponse(ProblemSerializer, description="A problem document")
    described = extend_schema(
        operation_id=f"send_{entity.value}",
        summary=f"Send {entity.label.lower()}",
        description=f"One object or a list of up to {MAX_ROWS:,}. Every row gets an outcome; sending it again is safe.",
        request={"application/json": request_schema(ENTITIES[entity])},
        responses={
            200: OpenApiResponse(DeliverySerializer, description="Every row was accepted"),
            207: OpenApiResponse(DeliverySerializer, description="Some rows of the list were not accepted"),
            400: problem, 401: problem, 403: problem, 409: problem, 413: problem, 415: problem, 422: problem,
        },
    )  # fmt: skip
    view = type(f"{entity.name.title().replace('_', '')}FactsView", (FactsView,), {"entity": entity})
    view.post = described(view.post)  # type: ignore[attr-defined]
    return view


def _rows_of(data: Any) -> list[Any]:
    if isinstance(data, dict):
        return [data]
    if not isinstance(data, list):
        raise ParseError("Send one object or a list of objects.")
    if len(data) > MAX_ROWS:
        raise TooLargeError(f"A request has at most {MAX_ROWS:,} rows; this one has {len(data):,}.")
    return data


def _answer(entity: Entity, rows: Iterable[Any], results: list[RowResult]) -> dict[str, Any]:
    counts = Counter(result.outcome for result in results)
    names = (name for row in rows if isinstance(row, dict) for name in row)
    return {
        "results": [
            {
                "position": result.line,
                "external_id": result.external_id,
                "outcome": result.outcome,
                "code": result.code,
                "field": result.field,
                "message": result.message,
            }
            for result in results
        ],
        "summary": {
            "received": len(results),
            **{outcome: counts[outcome] for outcome in RowOutcome.values},
            "unknown_fields": ENTITIES[entity].unknown_names(names),
        },
    }


def _problem_of(result: RowResult) -> APIException:
    """A single row that was not applied: 409 for a conflict of times, else 422."""
    status = 409 if result.outcome == RowOutcome.CONFLICT else 422
    return FieldProblemError(result.message, result.code, status=status, field=result.field)
