package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// read reads the body within its limits and hands it to decode.
func (s *Server) read(w http.ResponseWriter, r *http.Request, decode func(body []byte) error) error {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return failWith(http.StatusUnsupportedMediaType, "a body in Content-Encoding %s is not understood", encoding)
	}
	tooLarge := errdefs.New(errdefs.TooLarge, "the body is larger than %d bytes", s.options.MaxBody)
	if r.ContentLength > s.options.MaxBody {
		return tooLarge // unread: nothing of it is taken into memory
	}
	// The deadline is for the body alone. Left in place, it would end the
	// connection, and with it the context, of a request that works longer. A
	// test's recorder has no deadlines: those errors say nothing.
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(s.bodyTimeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, s.options.MaxBody))
	_ = control.SetReadDeadline(time.Time{})
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge
	}
	if err != nil {
		return errdefs.New(errdefs.Canceled, "the body did not arrive whole: %w", err)
	}
	return decode(body)
}

// The decoders below fill in what they can also where they return an error, so
// that the log can name the pod. Keys that are not known are passed over:
// InterLink may grow.

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

// decodeStatus takes null for an empty list, because that is how Go writes one
// that is nil, and a ping refused makes the virtual node NotReady.
func decodeStatus(body []byte, pods *[]corev1.Pod) error {
	if err := decodeJSON(body, pods); err != nil {
		return err
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
	if options.Bytes == 0 { // the older SDK's name
		options.Bytes = options.LimitBytes
	}
	options.LimitBytes = 0
	return found.err()
}

// decodeJSON decodes a body that is one JSON value and nothing else. Every
// failure is Invalid, thus 422, no JSON at all included: the Python plugin
// answered so. No message quotes the body, which may hold secrets.
func decodeJSON(body []byte, into any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return errdefs.New(errdefs.Invalid, "the body is empty, JSON is wanted")
	}
	err := json.Unmarshal(body, into)
	if err == nil {
		return nil
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return errdefs.New(errdefs.Invalid, "the body is not JSON: at byte %d: %w", syntax.Offset, err)
	}
	if mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		where := mismatch.Field
		if where == "" {
			where = "the body"
		}
		return errdefs.New(errdefs.Invalid, "%s is %s, %s is wanted",
			oneLine(where, 200), oneLine(mismatch.Value, 50), jsonWord(mismatch.Type))
	}
	if _, ok := errors.AsType[*time.ParseError](err); ok {
		return errdefs.New(errdefs.Invalid, "the body holds a time that is not in RFC 3339 form")
	}
	return errdefs.New(errdefs.Invalid, "the body does not fit: %s", oneLine(err.Error(), 200))
}

// jsonWord names a Go type as people who write JSON would.
func jsonWord(t reflect.Type) string {
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
		return jsonWord(t.Elem())
	}
	return "number" // no other kinds stand in the wire types, but for int32 and the like
}
