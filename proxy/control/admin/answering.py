"""What all answers have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class AnswerModel(BaseModel):
    """Something that is answered. Clients rely on the names of the fields."""

    # Required although some have a default: what is always there need not be looked for.
    model_config = ConfigDict(use_attribute_docstrings=True, json_schema_serialization_defaults_required=True)


class Shares(AnswerModel):
    """What share of the requests each color gets, in percent."""

    blue: float
    green: float
