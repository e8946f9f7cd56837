"""What OpenAPI cannot be told call by call: the key of each POST, and how refusals look."""

from typing import Any

INTRODUCTION = """For tills, web shops and what else sells for the stores.

Press **Authorize** and paste a till's key; `manage.py create_till` or the back office makes one. Money is whole minor
units with a currency, times carry an offset, unknown fields are refused. Each POST needs an `Idempotency-Key` that you
make: tell the same call again under the same key as often as you like, it is done once.
"""

_PROBLEM = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457. `code` is stable; `errors` say what does not fit a body and where.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "examples": ["insufficient_points"]},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["at", "message"],
                "properties": {
                    "at": {"type": "string", "examples": ["lines.0.quantity"]},
                    "message": {"type": "string"},
                },
            },
        },
    },
}

_RETRY = {"Retry-After": {"description": "seconds", "schema": {"type": "string", "pattern": "^[0-9]+$"}}}
_REFUSALS = {
    "400": "The body is no readable JSON, or Idempotency-Key is missing.",
    "401": "No good key.",
    "403": "The key lacks the scope.",
    "404": "There is no such thing.",
    "409": "Refused as things stand: see `code`.",
    "413": "The body is larger than 1 MiB.",
    "422": "The request does not fit: see `errors`.",
    "429": "Too many calls in this minute.",
    "503": "Not now; nothing was done. Try again under the same key.",
}
_BODIES_ONLY = {"400", "409", "413"}

_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "Made by you, new for each call and the same for each retry: the first answer comes again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x21-\\x7e]{1,255}$"},
    "example": "till-3-2026-11-23-000123",
}
_REPLAYED = {"Idempotent-Replayed": {"description": "this is the first answer again", "schema": {"enum": ["true"]}}}


def completed(schema: Any) -> Any:
    """The description with keys and problems in every operation."""
    schema["components"]["schemas"]["Problem"] = _PROBLEM
    for path in schema["paths"].values():
        for method, operation in path.items():
            _complete(operation, writes=method == "post")
    return schema


def _complete(operation: dict[str, Any], *, writes: bool) -> None:
    answers = {str(status): answer for status, answer in operation["responses"].items()}
    if writes:
        operation["parameters"].append(_KEY)
        for answer in answers.values():
            answer["headers"] = _REPLAYED
    for status, meaning in _REFUSALS.items():
        if writes or status not in _BODIES_ONLY:
            answers[status] = _problem(meaning, _RETRY if status in {"409", "429", "503"} else {})
    operation["responses"] = answers


def _problem(meaning: str, headers: dict[str, Any]) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": meaning, "content": content, **({"headers": headers} if headers else {})}
