"""Entry point of every function: registers blueprints and middleware, and does nothing else."""

import os

from chalice import Chalice

from chalicelib import names
from chalicelib.handlers import (
    api,
    api_system,
    authorizer,
    consumers,
    doors,
    failures,
    messages,
    pipeline,
    reports,
    schedules,
    stage,
    workflow,
)
from chalicelib.handlers.middleware import around

stage.assume_region(os.environ)
app = Chalice(app_name=names.APP)
app.api.cors = stage.cors()  # before the blueprints: their routes take it over
app.register_middleware(around(doors.services), "http")

app.register_blueprint(api.orders_api)
app.register_blueprint(api_system.system_api)
app.register_blueprint(authorizer.token_functions)
if authorizer.protected is not None:
    app.register_blueprint(authorizer.authorizers)
app.register_blueprint(workflow.workflow_tasks)
app.register_blueprint(consumers.consumers)
app.register_blueprint(schedules.schedules)
app.register_blueprint(failures.failures)
app.register_blueprint(pipeline.pipeline_doors)
app.register_blueprint(reports.report_doors)
app.register_blueprint(messages.messages_doors)
