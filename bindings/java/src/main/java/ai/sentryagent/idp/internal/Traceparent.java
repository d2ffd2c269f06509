package ai.sentryagent.idp.internal;

import ai.sentryagent.idp.CallOptions;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/**
 * The caller's place in a trace, as W3C Trace Context writes it. It comes from the client's hook, else from OpenTelemetry's
 * current span when that library is on the path; it is looked up by reflection, so that nobody needs it.
 */
final class Traceparent {
    static final String HEADER = "traceparent";

    private static final Pattern FORM = Pattern.compile("[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}");

    private static final Span SPAN = Span.find(Traceparent.class.getClassLoader());

    private Traceparent() {}

    /** On the caller's thread; null when there is none, or the call has a header of its own. */
    static String of(Supplier<String> hook, CallOptions options) {
        if (hook == null && SPAN == null) {
            return null;
        }
        if (options != null && options.getHeaders().keySet().stream().anyMatch(HEADER::equalsIgnoreCase)) {
            return null;
        }
        String found = hook != null ? hook.get() : SPAN.traceparent();
        // What is no trace context is not passed on, as W3C's text wants it: a tracer's fault must not be the call's.
        return found != null && FORM.matcher(found).matches() ? found : null;
    }

    /** {@code io.opentelemetry.api.trace.Span.current().getSpanContext()}. */
    private record Span(
            MethodHandle current,
            MethodHandle context,
            MethodHandle valid,
            MethodHandle trace,
            MethodHandle id,
            MethodHandle flags,
            MethodHandle hex) {

        static Span find(ClassLoader loader) {
            String api = "io.opentelemetry.api.trace.";
            try {
                Class<?> span = Class.forName(api + "Span", false, loader);
                Class<?> context = Class.forName(api + "SpanContext", false, loader);
                Class<?> flags = Class.forName(api + "TraceFlags", false, loader);
                MethodHandles.Lookup lookup = MethodHandles.publicLookup();
                return new Span(
                        lookup.unreflect(span.getMethod("current")),
                        lookup.unreflect(span.getMethod("getSpanContext")),
                        lookup.unreflect(context.getMethod("isValid")),
                        lookup.unreflect(context.getMethod("getTraceId")),
                        lookup.unreflect(context.getMethod("getSpanId")),
                        lookup.unreflect(context.getMethod("getTraceFlags")),
                        lookup.unreflect(flags.getMethod("asHex")));
            } catch (ReflectiveOperationException | LinkageError e) {
                // Not on the path, or not a version that we know: no trace is passed on.
                return null;
            }
        }

        String traceparent() {
            try {
                Object at = context.invoke(current.invoke());
                if (!(boolean) valid.invoke(at)) {
                    return null;
                }
                return "00-" + trace.invoke(at) + '-' + id.invoke(at) + '-' + hex.invoke(flags.invoke(at));
            } catch (Throwable e) {
                // A call must not fail because it cannot be traced.
                return null;
            }
        }
    }
}
