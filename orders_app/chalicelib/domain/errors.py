"""Every error of the application: refusals reach the caller, transient faults are retried, the rest is a bug.

Step Functions matches a failure by its exact class name, so the transient classes are named in the workflows.
"""

from collections.abc import Sequence
from dataclasses import dataclass


class OrdersError(Exception):
    """Base of every error that this application raises on purpose."""


class ConfigurationError(OrdersError):
    """Settings are missing or wrong; the message names all of them."""


@dataclass(frozen=True)
class FieldProblem:
    """One bad field of a request: its path (`items[0].quantity`) and what is wrong with it."""

    field: str
    problem: str


class RefusedError(OrdersError):
    """A request that is refused for a reason its sender can act on; becomes an RFC 9457 answer."""

    slug = "refused"
    status = 400
    title = "The request was refused"

    def __init__(self, detail: str, fields: Sequence[FieldProblem] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.fields = tuple(fields)


class MalformedRequestError(RefusedError):
    slug, status, title = "malformed-request", 400, "The request cannot be read"


class UnauthenticatedError(RefusedError):
    slug, status, title = "unauthenticated", 401, "A valid token is required"


class ForbiddenError(RefusedError):
    slug, status, title = "forbidden", 403, "The token lacks a scope"


class UnknownOrderError(RefusedError):
    slug, status, title = "order-not-found", 404, "There is no such order"


class RequestInProgressError(RefusedError):
    slug, status, title = "request-in-progress", 409, "The first request with this key is still running"


class NotCancellableError(RefusedError):
    slug, status, title = "not-cancellable", 409, "The order can no longer be cancelled"


class OrderExistsError(RefusedError):
    slug, status, title = "order-exists", 409, "An order with this id exists"


class KeyReusedError(RefusedError):
    slug, status, title = "idempotency-key-reused", 422, "The key was used for another request"


class InvalidOrderError(RefusedError):
    slug, status, title = "invalid-order", 422, "The order has bad fields"


class InvalidQueryError(RefusedError):
    slug, status, title = "invalid-query", 422, "The query has bad parameters"


class TransientError(OrdersError):
    """A fault that may pass; the workflows retry its subclasses by name."""


class GatewayTimeoutError(TransientError):
    """The payment gateway did not answer; whether it acted is unknown."""


class DatabaseUnavailableError(TransientError):
    """The database could not be reached, went away, or gave up on a conflict."""


class ThrottledError(TransientError):
    """An AWS service asked to slow down."""


class OrderBusyError(TransientError):
    """Another transaction or step is at work on the order."""


class IllegalTransitionError(OrdersError):
    """The order's state does not allow this move."""


class PaymentRefusedError(OrdersError):
    """The gateway refused a capture, void or refund that it should have accepted."""


class CompensationError(OrdersError):
    """An effect that was recorded could not be found to be undone; a person must look."""


class MessageRefusedError(OrdersError):
    """A channel will not send this message, now or later; it was not sent."""
