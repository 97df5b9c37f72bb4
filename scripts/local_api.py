"""`chalice local --stage local` without its stalls: keep-alive clients wait 44 ms a request there.

Nagle's algorithm is off, writes are buffered, and what the gateway itself refuses is problem+json.
"""

import argparse
import functools
import json
import os
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chalice.cli.factory import CLIFactory
from chalice.local import ChaliceRequestHandler, LocalDevServer, LocalGatewayException, create_local_server

PROJECT = Path(__file__).resolve().parents[1] / "orders_app"


class Handler(ChaliceRequestHandler):
    """One connection of the local server."""

    disable_nagle_algorithm = True
    wbufsize = -1

    def _send_error_response(self, error: LocalGatewayException) -> None:
        from chalicelib.domain.errors import UnknownOrderError
        from chalicelib.handlers import problems

        refusal = UnknownOrderError("there is no such route; /openapi.json lists them")
        refusal.slug, refusal.title = "not-found", "There is nothing here"
        body = problems.document(refusal, self.path.split("?")[0], str(uuid.uuid4()))
        self._send_http_response(404, {"Content-Type": problems.MEDIA_TYPE}, json.dumps(body))

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are logged by the app itself."""


def server(port: int, stage: str = "local") -> LocalDevServer:
    """Chalice's own local server for the app, with our connections; port 0 takes a free one."""
    factory = CLIFactory(str(PROJECT), environ=os.environ)
    config = factory.create_config_obj(chalice_stage_name=stage)
    os.environ.update(config.environment_variables)
    made = create_local_server(factory.load_chalice_app(), config, "127.0.0.1", port)
    made.server.RequestHandlerClass = functools.partial(Handler, app_object=made.app_object, config=config)
    made.port = made.server.server_address[1]
    return made


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.local_api", description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    made = server(parser.parse_args(argv).port)
    try:
        made.serve_forever()
    except KeyboardInterrupt:
        made.server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
