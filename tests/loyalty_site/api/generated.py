"""A client made from the API's description at run time, as generators make them: a function for each operation."""

import json
import keyword
import urllib.error
import urllib.parse
import urllib.request
import uuid
from inspect import Parameter, Signature
from types import SimpleNamespace


class Refused(Exception):
    def __init__(self, status, problem):
        super().__init__(problem["code"])
        self.status, self.problem = status, problem


def client(url, key):
    """`client.show_customer(number="…")` → what it answered; raises Refused."""
    with urllib.request.urlopen(f"{url}/api/v1/openapi.json") as described:
        spec = json.load(described)
    return SimpleNamespace(
        **{
            operation["operationId"]: _function(url, key, spec, path, method, operation)
            for path, methods in spec["paths"].items()
            for method, operation in methods.items()
        }
    )


def _function(url, key, spec, path, method, operation):
    parameters = {parameter["name"]: parameter for parameter in operation["parameters"]}
    fields = _fields(spec, operation)
    signature = Signature(
        [
            Parameter(name, Parameter.KEYWORD_ONLY, default=Parameter.empty if is_needed else None)
            for name, is_needed in {**{n: p["required"] for n, p in parameters.items()}, **fields}.items()
            if name != "Idempotency-Key"
        ]
    )
    done = next(int(status) for status in operation["responses"] if status.startswith("2"))

    def call(**values):
        signature.bind(**values)
        sent = {name: value for name, value in values.items() if name in fields}
        query = {n: values[n] for n, p in parameters.items() if p["in"] == "query" and n in values}
        filled = path.format(**{name: urllib.parse.quote(str(value), safe="") for name, value in values.items()})
        request = urllib.request.Request(
            f"{url}{filled}?{urllib.parse.urlencode(query)}",
            data=json.dumps(sent).encode() if "requestBody" in operation else None,
            headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
            method=method.upper(),
        )
        if "Idempotency-Key" in parameters:
            request.add_header("Idempotency-Key", str(uuid.uuid4()))
        try:
            with urllib.request.urlopen(request) as answer:
                assert answer.status == done
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise Refused(error.code, json.load(error)) from None

    call.__signature__ = signature
    return call


def _fields(spec, operation):
    """Name and whether it is needed, of the body's fields."""
    if "requestBody" not in operation:
        return {}
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    for choice in schema.get("anyOf", [schema]):
        if "$ref" in choice:
            found = spec["components"]["schemas"][choice["$ref"].rsplit("/", 1)[-1]]
            names = found.get("properties", {})
            assert not any(keyword.iskeyword(name) for name in names)
            return {name: name in found.get("required", ()) for name in names}
    raise AssertionError(schema)
