"""The way to the collector: OpenTelemetry's SDK, set up by its own OTEL_* variables."""

import os

from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


def make_provider(service: str, release: str) -> TracerProvider:
    """Make what gives spans and sends them in the background, dropping what cannot be sent.

    Raises ImportError where a package is missing, ValueError at a variable's wrong value.
    """
    # Its own exit handler would wait long for a collector that is gone; we shut it down.
    provider = TracerProvider(resource=make_resource(service, release), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(make_exporter()))
    return provider


def make_resource(service: str, release: str) -> Resource:
    """Describe this service; what OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say wins."""
    given = Resource.create()
    if str(given.attributes[SERVICE_NAME]).startswith("unknown_service"):  # the SDK's default
        given = given.merge(Resource({SERVICE_NAME: f"landmarks-{service}"}))
    return Resource({SERVICE_VERSION: release}).merge(given)


def make_exporter() -> SpanExporter:
    """Make the exporter of the protocol asked for; the one for gRPC is a package of its own."""
    protocol = next((os.environ[name] for name in PROTOCOLS if os.environ.get(name)), "")
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (
            OTLPSpanExporter as GrpcExporter,
        )

        return GrpcExporter()
    if protocol in ("", "http/protobuf"):
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter()
    raise ValueError(f"the protocol '{protocol}' is not http/protobuf")
