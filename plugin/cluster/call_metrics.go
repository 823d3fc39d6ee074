package cluster

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Call is one request that was sent to the remote API server. There is a small number of
// values of each text field, whatever the remote cluster contains and answers.
type Call struct {
	// Verb is the verb of Kubernetes' API: get, list, watch, create, update, patch, delete or
	// deletecollection; other for the rest
	// (https://kubernetes.io/docs/reference/using-api/api-concepts/#api-verbs).
	Verb string
	// Resource is the plural name of the resource, with its subresource, such as pods/log. It is
	// other for what is not in callResources, for example an object of a namespace template, and
	// for paths without a resource.
	Resource string
	// Code is the HTTP status of the answer, which a proxy may have given; none if no answer
	// came, and canceled if the caller did not wait for it.
	Code string
	// Duration is the time until the headers of the answer.
	Duration time.Duration
}

// CallObserver is called after each request to the remote API server. It must return at once, and
// may be called by many goroutines at the same time.
type CallObserver func(Call)

// callVerbs and callResources are the verbs and the resources that calls are counted by. The resources
// are those whose objects the plugin itself reads or writes.
var (
	callVerbs     = []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}
	callResources = []string{
		"configmaps", "deployments", "events", "leases", "limitranges", "namespaces", "networkpolicies", "nodes", "persistentvolumeclaims", "pods", "pods/log",
		"pods/status", "priorityclasses", "resourcequotas", "rolebindings", "roles", "runtimeclasses", "secrets", "selfsubjectaccessreviews", "selfsubjectrulesreviews",
		"serviceaccounts", "services", "storageclasses",
	}
)

const (
	otherCalls = "other"
	// CodeNone is the code of a call that no answer came to.
	CodeNone = "none"
	// CodeCanceled is the code of a call whose caller did not wait for the answer.
	CodeCanceled = "canceled"
)

// Observe lets observer see each request that is sent from now on, also those of Helm. It
// replaces the observer that was set before.
func (c *Connection) Observe(observer CallObserver) { c.observer.Store(&observer) }

// observedTransport tells an observer about each request. It is below the layer that judges the
// answers, so that it sees the status 401 as well, and above the one that sends a request again
// with newer credentials.
type observedTransport struct {
	next     http.RoundTripper
	observer *atomic.Pointer[CallObserver]
}

// RoundTrip sends a request.
func (t observedTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	observer := t.observer.Load()
	if observer == nil {
		return t.next.RoundTrip(request)
	}
	started := time.Now()
	response, err := t.next.RoundTrip(request)
	call := Call{Duration: time.Since(started), Code: CodeNone}
	call.Verb, call.Resource = callOf(request)
	switch {
	case err == nil:
		call.Code = codeOf(response.StatusCode)
	case callerLeft(context.Cause(request.Context())):
		call.Code = CodeCanceled
	}
	(*observer)(call)
	return response, err
}

// callOf returns the verb and the resource of a request.
func callOf(request *http.Request) (verb, resource string) {
	about := targetOf(request)
	if strings.HasSuffix(request.URL.Path, reviewPath) { // startupTransport sends it for another request
		about = target{resource: "selfsubjectaccessreviews"}
	}
	verb, resource = verbOf(request.Method, about), about.resource
	if about.subresource != "" {
		resource += "/" + about.subresource
	}
	if !slices.Contains(callResources, resource) {
		resource = otherCalls
	}
	return verb, resource
}

// verbOf returns the verb of a request.
func verbOf(method string, about target) string {
	switch {
	case about.resource == "":
		if method == http.MethodGet {
			return "get"
		}
	case about.watch:
		return "watch"
	case about.list:
		return "list"
	case method == http.MethodGet:
		return "get"
	case method == http.MethodPost:
		return "create"
	case method == http.MethodPut:
		return "update"
	case method == http.MethodPatch:
		return "patch"
	case method == http.MethodDelete && about.name == "":
		return "deletecollection"
	case method == http.MethodDelete:
		return "delete"
	}
	return otherCalls
}

// codeOf returns the label of an HTTP status. A proxy can answer any number of three digits.
func codeOf(status int) string {
	if http.StatusText(status) == "" {
		return otherCalls
	}
	return strconv.Itoa(status)
}
