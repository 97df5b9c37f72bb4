"""Places one order: order, event, outbox row and idempotency key in one transaction."""

from collections import Counter
from decimal import Decimal

from chalicelib.config import Settings
from chalicelib.domain import events, money, pricing
from chalicelib.domain.commands import LineInput, PlaceOrder, Reply
from chalicelib.domain.errors import FieldProblem, InvalidOrderError, OrderExistsError
from chalicelib.domain.order import Line, Order
from chalicelib.services.answer_once import Request, answer_once
from chalicelib.services.context import Context
from chalicelib.services.ports import Contact, Product, UnitOfWork

OPERATION = "place_order"
MOST_LINES = 100
MOST_UNITS = 1_000_000
SANDBOX_TOKEN = "tok_approve"


def place_order(context: Context, command: PlaceOrder) -> Reply:
    """Store the order, or replay the reply that is stored under its key. Raises a RefusedError."""
    with context.uow() as tx:
        return place_in(context, tx, command)


def place_in(context: Context, tx: UnitOfWork, command: PlaceOrder) -> Reply:
    """The same inside a transaction; a refusal leaves nothing behind, not even under the key."""
    request = Request(command.subject, OPERATION, command.idempotency_key, command.fingerprint)
    return answer_once(context, tx, request, lambda: _placed(context, tx, command))


def _placed(context: Context, tx: UnitOfWork, command: PlaceOrder) -> Reply:
    order = _order(context, tx, command)
    contact = Contact(command.customer.name, command.customer.email, command.customer.phone, command.shipping)
    if not tx.orders.add(order, contact):
        raise OrderExistsError(f"there is an order {order.id!r} already")
    return Reply(202, {"message": "Order placed successfully", "orderId": order.id, "status": "processing"})


def _order(context: Context, tx: UnitOfWork, command: PlaceOrder) -> Order:
    currency = _currency(command, context.settings)
    lines = _priced(tx, command, currency, context.settings)
    if not any(line.line_amount for line in lines):
        raise InvalidOrderError("an amount is wrong", [FieldProblem("/amount", "must be above zero")])
    token = _token(command, context.settings)
    total = sum(line.line_amount for line in lines)
    if total > money.LARGEST_AMOUNT:
        raise InvalidOrderError("the order is too large", [FieldProblem("/items", "cost too much together")])
    customer = tx.customers.identify(
        command.subject, command.customer.id, command.customer.name, context.ids.customer_id()
    )
    now = context.clock()
    order = Order(
        id=command.order_id or context.ids.order_id(),
        subject=command.subject,
        customer_id=customer,
        currency=currency,
        total=total,
        lines=lines,
        correlation_id=command.correlation_id,
        placed_at=now,
        updated_at=now,
        payment_token=token,
        region=command.region,
        admitted=command.admitted,
    )
    data = {
        "customerId": customer,
        "subject": order.subject,
        "currency": currency,
        "region": order.region,
        "placedAt": events.timestamp(now),
        "total": money.to_text(order.total, currency),
        "lines": order.wire_lines(),
        "admitted": order.admitted,
    }
    context.record(order, events.PLACED, data, command.correlation_id)
    return order


def _token(command: PlaceOrder, settings: Settings) -> str:
    """The sandbox's own stands in on the laptop, and for orders of the bus where the stage takes those."""
    if command.payment_token:
        return command.payment_token
    if settings.payment_gateway == "sandbox" and (settings.stage == "local" or command.admitted):
        return SANDBOX_TOKEN
    raise InvalidOrderError("the order is not paid", [FieldProblem("/payment/token", "is required")])


def _currency(command: PlaceOrder, settings: Settings) -> str:
    currency = command.currency or settings.currency
    if currency != settings.currency:
        raise InvalidOrderError(
            "the currency is not settled here", [FieldProblem("/currency", f"must be {settings.currency}")]
        )
    return currency


def _priced(tx: UnitOfWork, command: PlaceOrder, currency: str, settings: Settings) -> list[Line]:
    _check_lines(command.lines)
    found = tx.stock.find([line.product for line in command.lines])
    problems = [
        FieldProblem(f"/items/{index}/product", "is not in the catalogue")
        for index, line in enumerate(command.lines)
        if line.product not in found or not (found[line.product].orderable or command.admitted)
    ]
    if problems:
        raise InvalidOrderError("some products are unknown", problems)
    wanted = [_wanted(index, line, found[line.product], currency) for index, line in enumerate(command.lines)]
    amount = None if command.amount is None else _minor("/amount", command.amount, currency)
    allowed = settings.admit_unpriced_orders
    return pricing.price(wanted, amount, allow_declared=allowed, currency=currency)


def _check_lines(lines: tuple[LineInput, ...]) -> None:
    if not 1 <= len(lines) <= MOST_LINES:
        raise InvalidOrderError(
            "an order needs lines", [FieldProblem("/items", f"must have 1 to {MOST_LINES} lines")]
        )
    problems = [
        FieldProblem(f"/items/{index}/quantity", f"must be between 1 and {MOST_UNITS}")
        for index, line in enumerate(lines)
        if not 1 <= line.quantity <= MOST_UNITS
    ]
    if problems:
        raise InvalidOrderError("some quantities are wrong", problems)


def _wanted(index: int, line: LineInput, product: Product, currency: str) -> pricing.Wanted:
    unit_price = line.unit_price
    given = None if unit_price is None else _minor(f"/items/{index}/unitPrice", unit_price, currency)
    return pricing.Wanted(product.id, line.quantity, product.price, given)


def _minor(field: str, amount: Decimal, currency: str) -> int:
    try:
        minor = money.to_minor(amount, currency)
    except ValueError as error:
        raise InvalidOrderError("an amount is wrong", [FieldProblem(field, str(error))]) from error
    if minor < 0:
        raise InvalidOrderError("an amount is wrong", [FieldProblem(field, "must not be negative")])
    return minor


def units(order: Order) -> dict[str, int]:
    """Units by product of all lines together."""
    counted: Counter[str] = Counter()
    for line in order.lines:
        counted[line.product_id] += line.quantity
    return dict(counted)
