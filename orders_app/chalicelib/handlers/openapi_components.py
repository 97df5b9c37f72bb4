"""The shared parts of the OpenAPI document: schemas of answers, parameters, headers, examples."""

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.domain import money
from chalicelib.domain.order import Status
from chalicelib.handlers import shapes
from chalicelib.services.messages.model import KINDS

TEXT: dict[str, Any] = {"type": "string"}
TIME: dict[str, Any] = {"type": "string", "format": "date-time"}
MONEY: dict[str, Any] = {
    "type": "string",
    "pattern": r"^[0-9]+(\.[0-9]+)?$",
    "description": "A decimal with the currency's digits.",
}
CURRENCY: dict[str, Any] = {"type": "string", "enum": sorted(money.DIGITS)}


def record(properties: Mapping[str, Any], optional: Sequence[str] = ()) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": dict(properties), "required": required}


def array(items: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": dict(items)}


def or_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"anyOf": [dict(schema), {"type": "null"}]}


def ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


STATUS: dict[str, Any] = {"type": "string", "enum": [str(one) for one in Status]}
ORDER_SUMMARY: dict[str, Any] = {
    "orderId": TEXT, "customerId": TEXT, "status": STATUS, "currency": CURRENCY, "total": MONEY,
    "placedAt": TIME, "updatedAt": TIME,
}  # fmt: skip
LINE: dict[str, Any] = record(
    {"lineNumber": {"type": "integer"}, "productId": TEXT, "quantity": {"type": "integer"},
     "unitPrice": MONEY, "lineAmount": MONEY}
)  # fmt: skip
MESSAGE_TYPE: dict[str, Any] = {"type": "string", "enum": list(KINDS)}
FAULT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "pointer": {"type": "string", "description": "JSON pointer into the body, as `#/items/0/quantity`."},
        "header": TEXT,
        "parameter": TEXT,
        "detail": TEXT,
    },
    "required": ["detail"],
}
SCHEMAS: dict[str, Any] = {
    "PlaceOrder": shapes.PLACE_ORDER.schema(),
    "CancelOrder": shapes.CANCEL_ORDER.schema(),
    "Accepted": record({"message": TEXT, "orderId": TEXT, "status": TEXT}, optional=["message"]),
    "Order": record(
        ORDER_SUMMARY
        | {
            "customer": or_null({"type": "string", "description": "The customer's name."}),
            "lines": array(LINE),
            "region": or_null(TEXT),
            "reason": or_null({"type": "string", "description": "Why it ended as it did."}),
            "cancelRequested": {"type": "boolean"},
            "notifications": array(record({"about": TEXT, "channel": TEXT, "state": TEXT})),
            "version": {"type": "integer"},
            "completedAt": or_null(TIME),
            "correlationId": TEXT,
        }
    ),
    "OrderSummary": record(ORDER_SUMMARY),
    "OrderPage": record({"orders": array(ref("OrderSummary")), "nextCursor": or_null(TEXT)}),
    "Event": record(
        {"id": TEXT, "source": TEXT, "type": TEXT, "version": {"type": "integer"}, "time": TIME,
         "correlationId": TEXT, "causationId": or_null(TEXT), "orderId": TEXT,
         "sequence": {"type": "integer"}, "data": {"type": "object"}}
    ),
    "OrderEvents": record({"orderId": TEXT, "events": array(ref("Event"))}),
    "Product": record({"productId": TEXT, "name": TEXT, "price": MONEY, "currency": CURRENCY,
                       "available": or_null({"type": "integer"})}),
    "Products": record({"products": array(ref("Product"))}),
    "Message": record(
        {
            "messageId": {"type": "string", "description": "SNS's own id."},
            "type": MESSAGE_TYPE,
            "declaredType": or_null({"type": "string", "description": "What the sender called it."}),
            "key": or_null({"type": "string", "description": "The sender's id: stored once for each."}),
            "subject": or_null(TEXT), "body": TEXT, "publishedAt": TIME, "storedAt": TIME,
        }
    ),
    "MessagePage": record({"messages": array(ref("Message")), "nextCursor": or_null(TEXT)}),
    "Health": record({"status": TEXT, "checks": {"type": "object", "additionalProperties": TEXT}}),
    "Problem": record(
        {
            "type": {"type": "string", "format": "uri", "description": "`urn:problem:orders:` and a word."},
            "title": TEXT, "status": {"type": "integer"}, "detail": TEXT, "instance": TEXT,
            "correlationId": TEXT, "errors": array(FAULT),
        },
        optional=["errors"],
    ),
}  # fmt: skip


def header(name: str, about: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": about, "schema": dict(schema)}


def query(name: str, about: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": about, "schema": dict(schema)}


COMPONENTS: dict[str, Any] = {
    "schemas": SCHEMAS,
    "parameters": {
        "OrderId": {
            "name": "order_id", "in": "path", "required": True,
            "schema": {"type": "string"}, "example": "ORD-01K9ZT5Q8Y3V7M2N4B6C8D0E1F",
        },
        "CorrelationId": header(
            "X-Correlation-Id", "Follows the order through every hop; made here if not sent.",
            {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$"},
        ),
        "IdempotencyKey": header(
            "Idempotency-Key", "Any text that is new for each request and the same for each repetition.",
            {"type": "string", "pattern": "^[!-~]{1,255}$"},
        ),
        "Status": query("status", "Only orders in this status.", STATUS),
        "Customer": query("customer", "Only orders of this customer, by id or name.", TEXT),
        "MessageType": query("type", "Only messages of this type.", MESSAGE_TYPE),
        "Since": query("since", "Only messages published at this time or later.", TIME),
        "Until": query("until", "Only messages published before this time.", TIME),
        "Cursor": query("cursor", "`nextCursor` of the page before.", TEXT),
        "Limit": query(
            "limit", "How many.", {"type": "integer", "minimum": 1, "maximum": 100, "default": 50}
        ),
    },
    "headers": {
        "CorrelationId": {"schema": TEXT, "description": "As sent, or made here."},
        "Location": {"schema": TEXT, "description": "The order, relative to this request's address."},
        "Idempotency-Replayed": {"schema": {"const": "true"}, "description": "The answer is an earlier one."},
    },
    "securitySchemes": {
        "token": {"type": "http", "scheme": "bearer", "description": "Given out by `scripts.tokens`."}
    },
}  # fmt: skip
EXAMPLES: dict[str, Any] = {
    "short": {
        "customer": "Bob Smith",
        "amount": 499.99,
        "items": [{"product": "Gaming Console", "quantity": 1}, {"product": "Controller", "quantity": 2}],
    },
    "full": {
        "customer": {
            "id": "CUST-7", "name": "Ada Example", "email": "ada@example.com", "phone": "+4915112345678",
        },
        "items": [{"productId": "P-1001", "quantity": 2, "unitPrice": "74.99"}],
        "currency": "USD",
        "total": "149.98",
        "payment": {"token": "tok_approve"},
        "shipping": {"street": "Main Street 1", "city": "Springfield", "country": "US", "region": "west"},
    },
    "accepted": {
        "message": "Order placed successfully",
        "orderId": "ORD-01K9ZT5Q8Y3V7M2N4B6C8D0E1F",
        "status": "processing",
    },
    "healthy": {"status": "ok", "checks": {"database": "ok", "bus": "ok"}},
}  # fmt: skip
