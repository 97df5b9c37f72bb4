"""What each route is for, in words, and which answers it gives: its part of the OpenAPI document."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chalicelib.handlers.http import OPS, READ, WRITE

BAD_BODY = {
    400: "The body or a header cannot be read.",
    413: "The body has more than 64 KB.",
    415: "The body is not application/json.",
    422: "Some fields are not valid; `errors` names each.",
}
NO_ORDER = {404: "There is no such order, or it belongs to somebody else."}


@dataclass(frozen=True)
class Operation:
    """One route's part of the document; the names point into COMPONENTS and EXAMPLES."""

    summary: str
    outcome: str
    answer: str
    scope: str | None = None
    status: int = 200
    description: str = ""
    parameters: Sequence[str] = ()
    body: str | None = None
    body_required: bool = True
    examples: Sequence[str] = ()
    example: str | None = None
    headers: Sequence[str] = ()
    refusals: Mapping[int, str] = field(default_factory=dict)


OPERATIONS: dict[str, Operation] = {
    "place_order": Operation(
        summary="Place an order",
        description=(
            "The catalogue is the price authority: a unit price or total that disagrees with it is refused. "
            "Without `payment` an order is refused (422 at `/payment/token`), except in the stage `local`. "
            "With an `Idempotency-Key` the same body gets the same answer, for 24 hours, and one order."
        ),
        outcome="Accepted; the workflow has it. An earlier answer to the same key says so in a header.",
        status=202,
        answer="Accepted",
        scope=WRITE,
        parameters=("IdempotencyKey",),
        body="PlaceOrder",
        examples=("short", "full"),
        example="accepted",
        headers=("Location", "Idempotency-Replayed"),
        refusals=BAD_BODY
        | {
            409: "The first request with this key is still running; come back after `Retry-After` seconds.",
            422: "Some fields are not valid, or the key was used with another body.",
        },
    ),
    "list_orders": Operation(
        summary="List orders, the newest first",
        description="Without scope `ops` a token sees its own orders. `nextCursor` leads to the next page.",
        outcome="One page.",
        answer="OrderPage",
        scope=READ,
        parameters=("Status", "Customer", "Cursor", "Limit"),
        refusals={422: "Some query parameters are not valid; `errors` names each."},
    ),
    "get_order": Operation("Look up an order", "The order.", "Order", READ, refusals=NO_ORDER),
    "get_order_events": Operation(
        summary="Show what happened to an order",
        outcome="Its events in order, as they went over the bus.",
        answer="OrderEvents",
        scope=READ,
        refusals=NO_ORDER,
    ),
    "cancel_order": Operation(
        summary="Cancel an order",
        description=(
            "Before the capture the order stops; after it the money goes back and the stock returns. "
            "Once more is no fault, and its status is that of now; with an `Idempotency-Key` the same body "
            "gets the first answer for 24 hours. The outcome is an event: look at the order later."
        ),
        outcome="The cancellation has begun; 200 when it is done already.",
        status=202,
        answer="Accepted",
        scope=WRITE,
        parameters=("IdempotencyKey",),
        body="CancelOrder",
        body_required=False,
        headers=("Idempotency-Replayed",),
        refusals=BAD_BODY
        | NO_ORDER
        | {
            409: "The order can no longer be cancelled; `detail` says why. Or the key's first request runs.",
            422: "Some fields are not valid, or the key was used with another body.",
        },
    ),
    "list_messages": Operation(
        summary="List messages to operators, the newest first",
        description=(
            "Notifications and critical alerts as they were published, and messages of no known type. "
            "Only for operators. `nextCursor` leads to the next page."
        ),
        outcome="One page.",
        answer="MessagePage",
        scope=OPS,
        parameters=("MessageType", "Since", "Until", "Cursor", "Limit"),
        refusals={422: "Some query parameters are not valid; `errors` names each."},
    ),
    "list_products": Operation("List the catalogue", "What can be ordered.", "Products", READ),
    "get_health": Operation(
        "Ask whether the service is well", "Database and bus answer.", "Health", example="healthy"
    ),
    "get_openapi": Operation("Get this document", "OpenAPI 3.1.", ""),
}
