"""The body of a request: its size, its media type, its JSON, read by a shape."""

from typing import Any

from chalicelib.domain.errors import MalformedRequestError
from chalicelib.handlers import json_text
from chalicelib.handlers.http import Call
from chalicelib.handlers.problems import PayloadTooLargeError, UnsupportedMediaTypeError
from chalicelib.handlers.schema import Faults, Record


def read_body(call: Call, shape: Record, faults: Faults) -> dict[str, Any]:
    """The JSON body read by its shape; `faults` holds what is wrong with its fields."""
    raw = raw_body(call)
    check_media_type(call.header("content-type"))
    try:
        return shape.read(json_text.parse(raw), "", faults) or {}
    except json_text.JsonTextError as error:
        raise MalformedRequestError(str(error)) from error


def raw_body(call: Call) -> bytes:
    """The body's bytes; Raises PayloadTooLargeError above 64 KB."""
    try:
        raw = call.request.raw_body
    except ValueError as error:  # a lone surrogate, or base64 that is none
        raise MalformedRequestError("the body is not UTF-8") from error
    if len(raw) > json_text.MAX_BYTES:
        raise PayloadTooLargeError(f"the body has {len(raw)} bytes, at most {json_text.MAX_BYTES} are taken")
    return raw.encode() if isinstance(raw, str) else raw


def check_media_type(content_type: str | None) -> None:
    """application/json in UTF-8, or none at all; nothing that merely contains the word."""
    media_type, *parameters = [
        part.strip().lower() for part in (content_type or "application/json").split(";")
    ]
    charsets = [part.partition("=")[2].strip('"') for part in parameters if part.startswith("charset=")]
    if media_type != "application/json" or any(one not in ("utf-8", "utf8") for one in charsets):
        raise UnsupportedMediaTypeError("send the body as application/json in UTF-8")
