"""What anybody may ask without a token: whether the service is well, and how to speak to it."""

from chalice import Blueprint, Response

from chalicelib.handlers.encode import health
from chalicelib.handlers.http import Call, door, ok

system_api = Blueprint(__name__)


@system_api.route("/health", methods=["GET"])
@door()
def get_health(call: Call) -> Response:
    return health(call, call.services.check_health())


@system_api.route("/openapi.json", methods=["GET"])
@door()
def get_openapi(call: Call) -> Response:
    from chalicelib.handlers import openapi  # only this route pays for it

    return ok(openapi.document(system_api.current_app.routes))
