"""OpenAPI of the deliveries of facts, made from the same field specs as the validators."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.sessions.ingest.entities import EntitySpec, Field
from apps.sessions.ingest.results import RowOutcome

MAX_ROWS = 1_000

_JSON_TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "timestamptz": {"type": "string", "format": "date-time"},
    "smallint": {"type": "integer"},
    "double precision": {"type": "number"},
    "boolean": {"type": "boolean"},
    "varchar[]": {"type": "array", "items": {"type": "string"}},
}


class RowResultSerializer(serializers.Serializer[Any]):
    position = serializers.IntegerField(help_text="Of the row in the request, from 1")
    external_id = serializers.CharField(help_text="The id the row goes by")
    outcome = serializers.ChoiceField(choices=RowOutcome.choices)
    code = serializers.CharField(help_text="Why a row was not applied; else empty", allow_blank=True)
    field = serializers.CharField(help_text="The field at fault; empty for the row as a whole", allow_blank=True)
    message = serializers.CharField(help_text="The reason and the fix, in words", allow_blank=True)


class SummarySerializer(serializers.Serializer[Any]):
    received = serializers.IntegerField(help_text="Rows in the request; the outcomes add up to it")
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    stale = serializers.IntegerField()
    conflict = serializers.IntegerField()
    rejected = serializers.IntegerField()
    unknown_fields = serializers.ListField(child=serializers.CharField(), help_text="Names that were ignored")


class DeliverySerializer(serializers.Serializer[Any]):
    """What became of every row."""

    results = RowResultSerializer(many=True)
    summary = SummarySerializer()


class FieldProblemSerializer(serializers.Serializer[Any]):
    pointer = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    errors = FieldProblemSerializer(many=True, required=False)  # type: ignore[assignment]


def request_schema(spec: EntitySpec) -> dict[str, Any]:
    """One row, or a list of rows."""
    row = {
        "type": "object",
        "required": list(spec.required),
        "properties": {field.name: _property(field) for field in spec.fields},
        "description": "A field that is left out stays as it is; null clears it.",
    }
    return {"oneOf": [row, {"type": "array", "items": row, "maxItems": MAX_ROWS}]}


def _property(field: Field) -> dict[str, Any]:
    kind = dict(_JSON_TYPES[field.sql_type])
    if field.words:
        kind["enum"] = [*field.words, *([] if field.required else [None])]
    if not field.required:
        kind["type"] = [kind["type"], "null"]
    return kind
