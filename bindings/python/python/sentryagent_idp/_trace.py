"""OpenTelemetry's current trace, for programs that use OpenTelemetry. Imported by no other."""

from __future__ import annotations

try:
    from opentelemetry.propagate import inject
    from opentelemetry.trace import get_current_span
except ImportError:  # something else of that name
    inject = None  # type: ignore[assignment]

_HEADERS = ("traceparent", "tracestate")


def current_headers() -> dict[str, str] | None:
    """What the program's propagator says of the current span, as far as W3C names it."""
    if inject is None or not get_current_span().get_span_context().is_valid:
        return None
    carrier: dict[str, str] = {}
    inject(carrier)
    return {name: carrier[name] for name in _HEADERS if name in carrier}
