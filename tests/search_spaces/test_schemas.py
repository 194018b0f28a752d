from __future__ import annotations

import json

from search_spaces import Choice, Integer, Real, Space, recurrent_space
from search_spaces.domains.codec import CHOICE_KEYS, RANGE_KEYS
from search_spaces.schemas import document_schema
from search_spaces.space import DOCUMENT_KEYS

SPACE = Space(
    {
        "cell": ["rnn", "gru"],
        "units": Integer(8, 64),
        "rate": Real(0, 1),
        "seed": 7,
        "size": Choice([1, None], ordered=True),
    },
    {"rate": "units > 9"},
    ["units < 60 if cell == 'rnn'"],
)


def test_the_schema_of_settings_names_types_bounds_and_what_is_required() -> None:
    schema = SPACE.json_schema()

    assert schema["properties"]["cell"]["enum"] == ["rnn", "gru"]
    assert schema["properties"]["units"] == {
        "type": "integer",
        "minimum": 8,
        "maximum": 64,
        "description": "an integer from 8 to 64",
    }
    assert schema["properties"]["rate"]["description"] == "a number from 0.0 to 1.0; only where units > 9"
    assert schema["properties"]["seed"]["const"] == 7
    assert schema["required"] == ["cell", "units", "seed", "size"]
    assert schema["additionalProperties"] is False
    assert schema["description"] == 'units < 60 if cell == "rnn"'


def test_schemas_are_plain_json() -> None:
    for schema in (SPACE.json_schema(), document_schema()):
        assert json.loads(json.dumps(schema)) == schema


def test_the_schema_of_documents_knows_every_key_that_is_read() -> None:
    schema = document_schema()
    _, _, ordered, span = schema["$defs"]["domain"]["anyOf"]

    assert tuple(schema["properties"]) == DOCUMENT_KEYS
    assert tuple(ordered["properties"]) == CHOICE_KEYS
    assert tuple(span["properties"]) == RANGE_KEYS


def test_the_schema_of_documents_lists_the_keys_of_a_real_document() -> None:
    assert set(recurrent_space().to_document()) <= set(document_schema()["properties"])
