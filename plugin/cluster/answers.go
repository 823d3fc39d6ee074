package cluster

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// answerTransport believes only what an API server says. A proxy, a load balancer or a login
// page in between answers in its own words: an HTML page with 404 does not mean that
// a pod does not exist, and an empty list without a kind does not mean that there are no
// pods. Such an answer becomes an error of kind Unavailable, without the text of the page.
//
// It tells seen what the API server thinks of the credentials.
type answerTransport struct {
	next http.RoundTripper
	seen func(target, verdict, error)
}

// verdict is what an answer says about the API server.
type verdict int

const (
	answered    verdict = iota // the API server accepts the credentials
	rejected                   // it does not know them
	forbidden                  // it knows them, and does not permit the request
	undecided                  // it is overloaded or starts
	unreachable                // no API server answered
)

// maxStatus is the size of the largest answer that is read to find out whether it is an
// error of the API server.
const maxStatus = 1 << 20

// protobufMagic starts an object in protobuf
// (https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding-idl).
var protobufMagic = []byte("k8s\x00")

// RoundTrip sends a request.
func (t answerTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	about := targetOf(request)
	response, err := t.next.RoundTrip(request)
	if err != nil {
		switch {
		case errors.Is(err, errReplaced):
			return nil, err
		case errdefs.Is(err, errdefs.NotYet):
			t.seen(about, undecided, err)
			return nil, err
		}
		if cause := context.Cause(request.Context()); !callerLeft(cause) {
			t.seen(about, unreachable, errdefs.Wrap(errdefs.Unavailable, cmp.Or(cause, err)))
		}
		return nil, err
	}
	limitRetryAfter(about, response.Header)
	foreign := notTheAPIServers(response)
	what, err := judge(about, response, foreign)
	if err != nil {
		_ = response.Body.Close()
		if !callerLeft(context.Cause(request.Context())) {
			t.seen(about, what, err)
		}
		return nil, err
	}
	var reason error
	if what == unreachable {
		reason = foreign
	}
	t.seen(about, what, reason)
	return response, nil
}

// callerLeft reports whether a request ended because of its caller, and not because no answer
// came in time.
func callerLeft(cause error) bool {
	return cause != nil && (!errdefs.Is(cause, errdefs.Unavailable) || errors.Is(cause, context.DeadlineExceeded))
}

const (
	// maxRetryAfter limits how long client-go waits before it repeats a request, as an answer
	// asks for; client-go itself has no limit.
	maxRetryAfter = 30
	// maxPodsRetryAfter is the limit for what shows that an outage has ended.
	maxPodsRetryAfter = 3
)

// limitRetryAfter limits the seconds that an answer asks the client to wait. The page of a
// proxy under maintenance asks for minutes, and the pod cache must be fresh soon after the
// API server is back.
func limitRetryAfter(about target, header http.Header) {
	limit := maxRetryAfter
	if about.list || about.resource == "selfsubjectaccessreviews" {
		limit = maxPodsRetryAfter
	}
	if seconds, err := strconv.Atoi(header.Get("Retry-After")); err == nil && seconds > limit {
		header.Set("Retry-After", strconv.Itoa(limit))
	}
}

// judge returns what an answer says, or an error if it is none of the API server's, or if
// it passes by itself. foreign is the error for an answer that no API server gave.
func judge(about target, response *http.Response, foreign error) (verdict, error) {
	kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	code := response.StatusCode
	switch {
	case code < 200 || code >= 300 && code < 400: // a redirect leads to a login page
		return unreachable, foreign
	case code < 300:
		if kind == "text/html" {
			return unreachable, foreign
		}
		if about.resource != "" && !about.isLog() {
			return answered, checkObject(about, response, kind, foreign)
		}
		return answered, nil
	}
	status, err := readStatus(response)
	switch {
	case err != nil:
		return unreachable, err
	case status == nil && (code == http.StatusTooManyRequests || code >= 500):
		// The answer is not changed into an error, so that client-go obeys Retry-After. The
		// API server itself uses plain text for some of these.
		if kind == "text/plain" && code != http.StatusBadGateway && code != http.StatusGatewayTimeout {
			return undecided, nil
		}
		replaceBody(response, foreign.Error())
		return unreachable, nil
	case status == nil:
		return unreachable, foreign
	case code == http.StatusUnauthorized:
		return rejected, errdefs.New(errdefs.Unavailable, "the API server does not accept the credentials: 401 %s", status.Message)
	case code == http.StatusForbidden && strings.Contains(status.Message, anonymous):
		return rejected, errdefs.New(errdefs.Unavailable, "the API server does not know the credentials: 403 %s", status.Message)
	case code == http.StatusForbidden:
		return forbidden, nil
	}
	return answered, nil
}

// checkObject checks that a successful answer is an object, or the start of a watch.
func checkObject(about target, response *http.Response, kind string, foreign error) error {
	switch kind {
	case runtime.ContentTypeProtobuf:
		if !about.watch { // each event of a watch has a frame of its own
			response.Body = &prefixedBody{ReadCloser: response.Body, prefix: protobufMagic, foreign: foreign}
		}
		return nil
	case runtime.ContentTypeJSON:
		if about.watch {
			return nil
		}
	default:
		return foreign
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return brokenOff(err)
	}
	var object metav1.TypeMeta
	if err := json.Unmarshal(body, &object); err != nil || object.Kind == "" || object.APIVersion == "" {
		return foreign
	}
	_ = response.Body.Close() // all of it was read
	response.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

// prefixedBody is a body that must start with a prefix. An empty one does not.
type prefixedBody struct {
	io.ReadCloser
	prefix  []byte // what is left of it
	foreign error
}

// Read reads a part of the body.
func (b *prefixedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	expected := b.prefix[:min(n, len(b.prefix))]
	if !bytes.HasPrefix(p[:n], expected) {
		return 0, b.foreign
	}
	b.prefix = b.prefix[len(expected):]
	if errors.Is(err, io.EOF) && len(b.prefix) > 0 {
		return 0, b.foreign
	}
	return n, err
}

// readStatus reads an answer that is an error, and leaves its body as it was. The result is
// nil if the answer is not an error of an API server.
func readStatus(response *http.Response) (*metav1.Status, error) {
	body, err := io.ReadAll(io.LimitReader(response.Body, maxStatus))
	_ = response.Body.Close()
	if err != nil {
		return nil, brokenOff(err)
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	object, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, nil, nil)
	if err != nil {
		return nil, nil //nolint:nilerr // it is not an object of an API server
	}
	if status, ok := object.(*metav1.Status); ok && status.Status == metav1.StatusFailure {
		return status, nil
	}
	return nil, nil
}

// notTheAPIServers returns the error for an answer that no API server gave.
func notTheAPIServers(response *http.Response) error {
	kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	return errdefs.New(errdefs.Unavailable, "an answer that is not the API server's: %d %s",
		response.StatusCode, cmp.Or(kind, "without a content type"))
}

// brokenOff returns the error for an answer that did not arrive as a whole.
func brokenOff(err error) error {
	if errdefs.Is(err, errdefs.Unavailable) { // the transport below has said why
		return err
	}
	return errdefs.New(errdefs.Unavailable, "the answer broke off: %w", err)
}

// replaceBody replaces the body of an answer by a text.
func replaceBody(response *http.Response, text string) {
	_ = response.Body.Close()
	response.Header.Set("Content-Type", "text/plain")
	response.Body, response.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
}
