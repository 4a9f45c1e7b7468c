"""Finds results/schema.json, the only list of fields, and checks documents against it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..errors import HeapwiseError

_PACKAGE = Path(__file__).resolve().parents[1]
_PLACES = (_PACKAGE.parents[1] / "results" / "schema.json", _PACKAGE / "schema.json", _PACKAGE.parent / "schema.json")


def load_schema() -> dict[str, Any]:
    for place in _PLACES:
        if place.is_file():
            return json.loads(place.read_text(encoding="utf-8"))
    raise HeapwiseError(f"schema.json not found at {' or '.join(map(str, _PLACES))}. Restore results/schema.json "
                        "from the repository.")


class Checker:
    """Checks documents of one kind: `manifest`, `run_record`, `summary`, `claims`, `mechanisms`, `verification` or `inspection`."""

    def __init__(self, kind: str) -> None:
        try:
            import jsonschema
        except ImportError as error:
            raise HeapwiseError("the Python package jsonschema is missing: `apt-get install python3-jsonschema`.") from error
        definitions = load_schema()["$defs"]
        self._validator = jsonschema.Draft7Validator({"$ref": f"#/$defs/{kind}", "$defs": definitions})

    def problems(self, document: Any) -> list[str]:
        """What is wrong, one line each, with the place in the document; empty when it conforms."""
        errors = sorted(self._validator.iter_errors(document), key=lambda error: list(map(str, error.absolute_path)))
        return [f"{'.'.join(map(str, error.absolute_path)) or 'document'}: {_shortened(error.message)}" for error in errors]


def _shortened(message: str) -> str:
    return message if len(message) <= 160 else f"{message[:110]} … {message[-45:]}"
