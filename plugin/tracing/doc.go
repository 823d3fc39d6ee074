// Package tracing sets up OpenTelemetry traces, and keeps in a context what belongs to one
// request of InterLink: its session, and its span.
//
// The environment configures it: the standard variables of OpenTelemetry, and those that
// InterLink's own programs read (see [Variables]). Without them there are no traces, and they
// cost nothing. A collector that does not answer loses spans, and never delays a request.
//
// The package must not know what the plugin does: it knows no pod, no route and no
// Kubernetes client. Nothing here may put the content of a request into a span.
package tracing
