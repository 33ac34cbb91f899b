"""A minimal OpenTelemetry collector: OTLP over HTTP on loopback, decoded with OpenTelemetry's protobuf."""

from __future__ import annotations

import contextlib
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

REQUESTS = {"/v1/traces": ExportTraceServiceRequest, "/v1/metrics": ExportMetricsServiceRequest}


class Collector:
    """Listens on 127.0.0.1.

    Attributes:
        received: decoded requests, in the order of arrival.
        status: the HTTP status of its answers; None: it never answers.
        headers: those of the last request.
    """

    def __init__(self, port=0):
        self.received = []
        self.status = 200
        self.headers = {}
        self.ended = threading.Event()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                collector.answer(self)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    def answer(self, handler):
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        if self.status is None:
            self.ended.wait(30)
            return
        if handler.headers.get("Content-Encoding") == "gzip":
            body = zlib.decompress(body, wbits=31)
        request = REQUESTS[handler.path]()
        request.ParseFromString(body)
        if self.status == 200:
            self.received.append(request)
        self.headers = dict(handler.headers)
        handler.send_response(self.status)
        handler.send_header("Content-Length", "0")
        with contextlib.suppress(OSError):  # the exporter gave up
            handler.end_headers()

    @property
    def resources(self):
        """Attributes of the resources that sent something."""
        return [
            {each.key: each.value.string_value for each in part.resource.attributes}
            for request in self.received
            for part in (
                request.resource_spans if isinstance(request, ExportTraceServiceRequest) else request.resource_metrics
            )
        ]

    @property
    def spans(self):
        return [
            span
            for request in self.received
            if isinstance(request, ExportTraceServiceRequest)
            for part in request.resource_spans
            for scope in part.scope_spans
            for span in scope.spans
        ]

    def metric(self, name):
        """The newest data of a metric."""
        return [
            metric
            for request in self.received
            if isinstance(request, ExportMetricsServiceRequest)
            for part in request.resource_metrics
            for scope in part.scope_metrics
            for metric in scope.metrics
            if metric.name == name
        ][-1]

    def close(self):
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def attributes(of):
    """The attributes of a span or data point, as a dictionary."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in of.attributes}
