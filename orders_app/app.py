"""Entry point of every function: registers blueprints and middleware, and does nothing else."""

from chalice import Chalice

from chalicelib import names
from chalicelib.handlers import api, api_system, authorizer, middleware, stage

app = Chalice(app_name=names.APP)
app.api.cors = stage.cors()  # before the blueprints: their routes take it over
app.register_middleware(middleware.on_http_request, "http")

app.register_blueprint(api.orders_api)
app.register_blueprint(api_system.system_api)
app.register_blueprint(authorizer.authorizers)
