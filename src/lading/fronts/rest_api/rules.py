"""What a field of a request has to be, in our words: pydantic's own speak to programmers.

Only the rule is told. A value may be a secret, and is not repeated.
"""

from __future__ import annotations

from collections.abc import Mapping

_RULES: Mapping[str, str] = {
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    "string_type": "must be text",
    "string_unicode": "must be text in Unicode",
    "string_too_long": "must have at most {max_length} characters",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "int_from_float": "must be a whole number",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list",
    "too_long": "must have at most {max_length} entries",
    "too_short": "must have at least {min_length} entries",
    "enum": "must be one of {expected}",
    "model_type": "must be a JSON object",
    "model_attributes_type": "must be a JSON object",
    "dict_type": "must be a JSON object",
    "datetime_type": "must be a time like 2026-11-21T10:00:00Z",
    "datetime_parsing": "must be a time like 2026-11-21T10:00:00Z",
    "datetime_from_date_parsing": "must be a time like 2026-11-21T10:00:00Z",
    "timezone_aware": "must be a time with its zone, like 2026-11-21T10:00:00Z",
}
"""By pydantic's names of the errors that the types of `bodies` and of the routes can have."""


def rule(kind: str, limits: Mapping[str, object]) -> str:
    """What stands behind the field's name; `limits` are the numbers and names of the rule."""
    return _RULES.get(kind, "cannot be taken as it is").format_map(limits)
