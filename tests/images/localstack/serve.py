#!/usr/bin/python3
"""The services that moto emulates, behind the health page of LocalStack."""

import json
import os
import signal

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple

inner = DomainDispatcherApplication(create_backend_app)
HEALTH = json.dumps(
    {"services": dict.fromkeys(("s3", "sqs", "sns", "dynamodb"), "available"), "version": "4.0.0"}
).encode()


def application(environ, start_response):
    if environ["PATH_INFO"] != "/_localstack/health":
        return inner(environ, start_response)
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(HEALTH)))])
    return [HEALTH]


signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
run_simple("0.0.0.0", 4566, application, threaded=True)
