"""Orders and the catalogue over HTTP: each route decodes, calls one service, and encodes."""

from chalice import Blueprint, Response

from chalicelib.handlers import decode
from chalicelib.handlers.authorizer import protected
from chalicelib.handlers.encode import answered, placed
from chalicelib.handlers.http import READ, WRITE, Call, door, ok

orders_api = Blueprint(__name__)


@orders_api.route("/orders", methods=["POST"], authorizer=protected)
@door(WRITE)
def place_order(call: Call) -> Response:
    command = decode.place_order(call)
    with decode.fields_as_sent(call):
        reply = call.services.place_order(command)
    return placed(call.services, reply)


@orders_api.route("/orders", methods=["GET"], authorizer=protected)
@door(READ)
def list_orders(call: Call) -> Response:
    return ok(call.services.list_orders(decode.list_orders(call)))


@orders_api.route("/orders/{order_id}", methods=["GET"], authorizer=protected)
@door(READ)
def get_order(call: Call, order_id: str) -> Response:
    return ok(call.services.get_order(decode.known_form(order_id), call.caller))


@orders_api.route("/orders/{order_id}/events", methods=["GET"], authorizer=protected)
@door(READ)
def get_order_events(call: Call, order_id: str) -> Response:
    return ok(call.services.get_order_events(decode.known_form(order_id), call.caller))


@orders_api.route("/orders/{order_id}/cancel", methods=["POST"], authorizer=protected)
@door(WRITE)
def cancel_order(call: Call, order_id: str) -> Response:
    command = decode.cancel_order(call, order_id)
    return answered(call.services, call.services.cancel_order(command))


@orders_api.route("/products", methods=["GET"], authorizer=protected)
@door(READ)
def list_products(call: Call) -> Response:
    return ok(call.services.list_products())
