"""Shapes of JSON: each reads a value, naming every fault by its JSON pointer, and prints its JSON Schema."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from chalicelib.handlers import text
from chalicelib.handlers.json_text import JsonObject

MAX_FAULTS = 100


@dataclass
class Faults:
    """Collects what is wrong, in reading order, at most MAX_FAULTS."""

    found: list[dict[str, str]] = field(default_factory=list)

    def add(self, pointer: str, detail: str) -> None:
        if len(self.found) < MAX_FAULTS:
            self.found.append({"pointer": "#" + pointer, "detail": detail})


class Shape(Protocol):
    """What a value must look like."""

    def read(self, value: Any, at: str, faults: Faults) -> Any:
        """The value read, or None after adding to `faults`."""

    def schema(self) -> dict[str, Any]:
        """The same as JSON Schema 2020-12."""


@dataclass(frozen=True)
class Text:
    """A string of visible characters, trimmed; `form` is one of text.FORMS."""

    longest: int = 200
    form: str | None = None
    about: str = ""
    choices: Sequence[str] = ()

    def read(self, value: Any, at: str, faults: Faults) -> str | None:
        if not isinstance(value, str):
            faults.add(at, f"must be a string, not {kind(value)}")
            return None
        fault = text.fault(value, self.longest, self.form)
        if fault is None and self.choices and value not in self.choices:
            fault = f"must be one of {', '.join(self.choices)}"
        if fault is not None:
            faults.add(at, fault)
            return None
        return value.strip()

    def schema(self) -> dict[str, Any]:
        out: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": self.longest}
        if self.choices:
            out = {"type": "string", "enum": list(self.choices)}
        if self.form is not None:
            out |= text.FORMS[self.form].keywords
        return out | _about(self.about)


@dataclass(frozen=True)
class Whole:
    """An integer between two bounds; 2.0 and "2" are refused."""

    least: int
    most: int
    about: str = ""

    def read(self, value: Any, at: str, faults: Faults) -> int | None:
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            faults.add(at, f"must be an integer, not {kind(value)}")
        elif isinstance(value, Decimal) and value.as_tuple().exponent != 0:
            faults.add(at, "must be an integer, not a fraction or an exponent")
        elif not self.least <= value <= self.most:
            faults.add(at, f"must be between {self.least} and {self.most}")
        else:
            return int(value)
        return None

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most} | _about(self.about)


@dataclass(frozen=True)
class Amount:
    """A positive decimal, as a number or a plain string; the currency's digits are checked later."""

    about: str = ""

    def read(self, value: Any, at: str, faults: Faults) -> Decimal | None:
        if isinstance(value, str) and text.is_decimal(value):
            value = Decimal(value)
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            found = "other text" if isinstance(value, str) else kind(value)
            faults.add(at, f"must be a decimal number or a string of one, not {found}")
            return None
        amount = Decimal(value)
        if amount <= 0:
            faults.add(at, "must be greater than zero")
        elif amount.adjusted() > 11 or amount.adjusted() < -4:
            faults.add(at, "must be below 1000000000000 and at least one minor unit")
        else:
            return amount
        return None

    def schema(self) -> dict[str, Any]:
        return {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 10**12},
                {"type": "string", "pattern": text.DECIMAL},
            ]
        } | _about(self.about)


@dataclass(frozen=True)
class Items:
    """An array of one shape."""

    of: Shape
    most: int
    least: int = 1
    about: str = ""

    def read(self, value: Any, at: str, faults: Faults) -> tuple[Any, ...] | None:
        if not isinstance(value, list):
            faults.add(at, f"must be an array, not {kind(value)}")
            return None
        if not self.least <= len(value) <= self.most:
            faults.add(at, f"must have {self.least} to {self.most} entries, not {len(value)}")
            return None
        return tuple(self.of.read(one, f"{at}/{index}", faults) for index, one in enumerate(value))

    def schema(self) -> dict[str, Any]:
        out = {"type": "array", "items": self.of.schema(), "minItems": self.least, "maxItems": self.most}
        return out | _about(self.about)


@dataclass(frozen=True)
class Record:
    """An object with these names and no other; `needs` are the ones that must be there."""

    names: Mapping[str, Shape]
    needs: Sequence[str] = ()
    one_of: Sequence[tuple[str, str]] = ()  # pairs of which exactly one must be there
    about: str = ""

    def read(self, value: Any, at: str, faults: Faults) -> dict[str, Any] | None:
        if not isinstance(value, JsonObject):
            faults.add(at, f"must be an object, not {kind(value)}")
            return None
        for name in value.repeated:
            faults.add(f"{at}/{escape(name)}", "is given more than once")
        for name in value:
            if name not in self.names:
                faults.add(f"{at}/{escape(name)}", "is not a known field")
        for name in self.needs:
            if name not in value:
                faults.add(f"{at}/{name}", "is required")
        for one, other in self.one_of:
            if (one in value) == (other in value):
                faults.add(f"{at}/{one}", f"give exactly one of {one} and {other}")
        return {
            name: shape.read(value[name], f"{at}/{name}", faults)
            for name, shape in self.names.items()
            if name in value
        }

    def schema(self) -> dict[str, Any]:
        out: dict[str, Any] = {
            "type": "object",
            "properties": {name: shape.schema() for name, shape in self.names.items()},
            "additionalProperties": False,
        }
        if self.needs:
            out["required"] = list(self.needs)
        if self.one_of:
            out["allOf"] = [{"oneOf": [{"required": [name]} for name in pair]} for pair in self.one_of]
        return out | _about(self.about)


@dataclass(frozen=True)
class TextOr:
    """Either a plain string or an object: the short and the full way to say the same."""

    short: Text
    full: Record

    def read(self, value: Any, at: str, faults: Faults) -> Any:
        if isinstance(value, JsonObject):
            return self.full.read(value, at, faults)
        if isinstance(value, str):
            return self.short.read(value, at, faults)
        faults.add(at, f"must be a string or an object, not {kind(value)}")
        return None

    def schema(self) -> dict[str, Any]:
        return {"oneOf": [self.short.schema(), self.full.schema()]}


def kind(value: Any) -> str:
    """The JSON name of a value's type, with its article."""
    if value is None:
        return "null"
    for types, name in _KINDS:
        if isinstance(value, types):
            return name
    return "something else"


def escape(name: str) -> str:
    """A name as one reference token of a JSON pointer (RFC 6901), shortened for the answer."""
    return name[:64].replace("~", "~0").replace("/", "~1")


_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "a boolean"),
    ((int, Decimal), "a number"),
    (str, "a string"),
    (list, "an array"),
    (dict, "an object"),
)


def _about(about: str) -> dict[str, Any]:
    return {"description": about} if about else {}
