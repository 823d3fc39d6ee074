package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// The decoders below decode and validate one kind of request. When they return an
// error they still decode as much as possible, so that the log can name the pod.
// They ignore unknown keys: later versions of InterLink may add keys.

func decodeCreate(body []byte, request *wire.CreateRequest) error {
	if err := decodeJSON(body, request); err != nil {
		return err
	}
	var found problems
	found.pod("pod.", &request.Pod)
	if len(request.Pod.Spec.Containers) == 0 {
		found.add("pod.spec.containers is empty")
	}
	return found.err()
}

func decodeDelete(body []byte, pod *corev1.Pod) error {
	if err := decodeJSON(body, pod); err != nil {
		return err
	}
	var found problems
	found.pod("", pod)
	return found.err()
}

// decodeStatus decodes only the fields that the status is reported from. It accepts null
// as an empty list, because Go encodes a nil slice so, and because a ping that fails
// makes the virtual node NotReady (docs/contract.md, PING-3).
func decodeStatus(body []byte, pods *[]corev1.Pod) error {
	if !decodeRequested(body, pods) {
		// The body is refused, and this decoder says why.
		if err := decodeJSON(body, pods); err != nil {
			return err
		}
	}
	var found problems
	for i := range *pods {
		found.podAt(i, &(*pods)[i])
	}
	return found.err()
}

func decodeLogs(body []byte, request *wire.LogRequest) error {
	if err := decodeJSON(body, request); err != nil {
		return err
	}
	options := &request.Opts
	var found problems
	found.namespace("Namespace", request.Namespace)
	found.name("PodName", request.PodName)
	found.uid("PodUID", request.PodUID)
	found.notNegative("Opts.Tail", options.Tail)
	found.notNegative("Opts.Bytes", options.Bytes)
	found.notNegative("Opts.LimitBytes", options.LimitBytes)
	found.notNegative("Opts.SinceSeconds", options.SinceSeconds)
	if options.Bytes == 0 { // LimitBytes is its name in an older SDK (LOGS-2)
		options.Bytes = options.LimitBytes
	}
	options.LimitBytes = 0
	return found.err()
}

// likeEncodingJSON are the options with which package json accepts what encoding/json
// accepts, and decodes it to the same values: keys in any case, keys that are repeated,
// and text that is not UTF-8.
var likeEncodingJSON = jsonv2.JoinOptions(
	jsonv2.MatchCaseInsensitiveNames(true), jsonv1.MatchCaseSensitiveDelimiter(true),
	jsonv1.MergeWithLegacySemantics(true),
	jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true),
)

// decodeRequested decodes the pods of a status request, with only the fields that the
// status is reported from: the rest of a pod is skipped, and its types are not checked.
// It reports whether the body is valid.
func decodeRequested(body []byte, pods *[]corev1.Pod) bool {
	var fields []status.RequestedFields
	if err := jsonv2.Unmarshal(body, &fields, likeEncodingJSON); err != nil {
		return false
	}
	*pods = make([]corev1.Pod, len(fields))
	for i := range fields {
		(*pods)[i] = fields[i].Pod()
	}
	return true
}

// decodeJSON decodes a body that consists of exactly one JSON value. Every failure
// has kind Invalid and thus status 422, as in the Python plugin, even if the body is
// not JSON. No error quotes the body, which may contain secrets.
func decodeJSON(body []byte, into any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return errdefs.New(errdefs.Invalid, "the body is empty; it must be JSON")
	}
	// With these options it decodes as encoding/json does, in half of the time. Only a
	// repeated key is refused: programs differ in which of the values counts, so the pod
	// that one program has checked could be another one than the pod that the next one
	// creates. Go, and so InterLink, never writes a key twice.
	err := jsonv2.Unmarshal(body, into, jsonv1.DefaultOptionsV1(), jsontext.AllowDuplicateNames(false),
		jsonv1.ReportErrorsWithLegacySemantics(false))
	if err == nil {
		return nil
	}
	repeated := errors.Is(err, jsontext.ErrDuplicateName)
	// The body is refused, and encoding/json says why.
	reflect.ValueOf(into).Elem().SetZero()
	err = json.Unmarshal(body, into)
	if err == nil && repeated {
		return errdefs.New(errdefs.Invalid, "the body contains a key twice in one object")
	}
	if err == nil {
		return nil
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return errdefs.New(errdefs.Invalid, "the body is not JSON: at byte %d: %w", syntax.Offset, err)
	}
	if mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		field := mismatch.Field
		if field == "" {
			field = "the body"
		}
		return errdefs.New(errdefs.Invalid, "%s is %s; it must be %s",
			oneLine(field, 200), oneLine(mismatch.Value, 50), jsonType(mismatch.Type))
	}
	if _, ok := errors.AsType[*time.ParseError](err); ok {
		return errdefs.New(errdefs.Invalid, "the body contains a time that is not in RFC 3339 format")
	}
	return errdefs.New(errdefs.Invalid, "the body is not valid: %s", oneLine(err.Error(), 200))
}

// jsonType returns the JSON word for a Go type.
func jsonType(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		return "object"
	case reflect.Slice, reflect.Array:
		return "array"
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "bool"
	case reflect.Pointer:
		return jsonType(t.Elem())
	}
	return "number" // the other kinds in the wire types are integers
}
