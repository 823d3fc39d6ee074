// Package backoff repeats calls to the remote cluster that fail in a way that passes, with
// pauses between the tries.
//
// It must not know what the calls are for: how long a refusal may last, and what happens
// after the last failure, is decided by plugin/lifecycle and plugin/quotawait.
package backoff
