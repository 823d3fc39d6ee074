package faultproxy

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A Fault is a way in which a request fails.
type Fault struct {
	// Name is how a rule names the fault, such as "503".
	Name string
	// Help says in one line what happens.
	Help string
	// Carried is true if the API server carries out the request all the same.
	Carried bool

	answer func(*exchange)
}

// injected is in the text of each error that the proxy makes.
const injected = "failed on purpose"

// table has all faults.
var table = []Fault{
	{Name: "401", Help: "the API server does not know the user", answer: failure(http.StatusUnauthorized, metav1.StatusReasonUnauthorized, "Unauthorized ("+injected+")")},
	{Name: "403-rights", Help: "the user has no permission", answer: failure(http.StatusForbidden, metav1.StatusReasonForbidden,
		`RESOURCE is forbidden: User "test" cannot do this in the namespace "NAMESPACE" (`+injected+")")},
	{Name: "403-quota", Help: "a ResourceQuota is full", answer: failure(http.StatusForbidden, metav1.StatusReasonForbidden,
		`RESOURCE "x" is forbidden: exceeded quota: `+injectedQuota+`, requested: count/RESOURCE=1, used: count/RESOURCE=30, limited: count/RESOURCE=30`)},
	{Name: "403-quota-unknown", Help: "the usage of a new ResourceQuota is not known yet", answer: failure(http.StatusForbidden, metav1.StatusReasonForbidden,
		`RESOURCE "x" is forbidden: status unknown for quota: `+injectedQuota+`, resources: count/RESOURCE`)},
	{Name: "403-service-account", Help: "the service account of a new namespace does not exist yet", answer: failure(http.StatusForbidden, metav1.StatusReasonForbidden,
		`RESOURCE "x" is forbidden: error looking up service account NAMESPACE/default: serviceaccount "default" not found`)},
	{Name: "403-roles", Help: "the API server has just started and does not know its roles yet", answer: failure(http.StatusForbidden, metav1.StatusReasonForbidden,
		`RESOURCE is forbidden: User "test" cannot do this in the namespace "NAMESPACE": RBAC: clusterrole.rbac.authorization.k8s.io "test" not found`)},
	{Name: "408", Help: "the request took too long", answer: failure(http.StatusRequestTimeout, metav1.StatusReasonUnknown, "Request Timeout ("+injected+")")},
	{Name: "409", Help: "another change came first", answer: failure(http.StatusConflict, metav1.StatusReasonConflict,
		`Operation cannot be fulfilled on RESOURCE "x": the object has been modified (`+injected+")")},
	{Name: "410", Help: "what the request refers to is too old", answer: failure(http.StatusGone, metav1.StatusReasonExpired, "too old resource version: 1 (2) ("+injected+")")},
	{Name: "413", Help: "the request is too large for the API server", answer: failure(http.StatusRequestEntityTooLarge, metav1.StatusReasonRequestEntityTooLarge,
		"Request entity too large: limit is 3145728")},
	{Name: "429", Help: "too many requests, with Retry-After of a second", answer: tooManyRequests},
	{Name: "500", Help: "an internal error", answer: failure(http.StatusInternalServerError, metav1.StatusReasonInternalError, "Internal error occurred: "+injected)},
	{Name: "500-too-large", Help: "the object is too large for etcd", answer: failure(http.StatusInternalServerError, metav1.StatusReasonUnknown, "etcdserver: request is too large")},
	{Name: "503", Help: "the API server is not available", answer: failure(http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable,
		"the server is currently unable to handle the request ("+injected+")")},
	{Name: "504", Help: "the API server did not finish in time", answer: failure(http.StatusGatewayTimeout, metav1.StatusReasonTimeout, "Timeout: "+injected)},
	{Name: "html-200", Help: "the login page of a proxy, with status 200", answer: page(http.StatusOK, "Please log in")},
	{Name: "html-403", Help: "a page of a proxy, with status 403", answer: page(http.StatusForbidden, "Forbidden")},
	{Name: "html-404", Help: "a page of a proxy, with status 404", answer: page(http.StatusNotFound, "Not Found")},
	{Name: "html-502", Help: "a page of a proxy, with status 502", answer: page(http.StatusBadGateway, "Bad Gateway")},
	{Name: "empty-200", Help: "status 200 without a body", answer: empty},
	{Name: "reset-before", Help: "the connection is reset before the API server gets the request", answer: reset},
	{Name: "reset-after", Help: "the API server carries out the request, and the connection is reset before the answer", Carried: true, answer: reset},
	{Name: "body-short", Help: "the second half of the answer is missing, and its end looks regular", Carried: true, answer: short},
	{Name: "body-cut", Help: "in the middle of the answer, the stream is reset (HTTP/2) or the connection closed (HTTP/1.1)", Carried: true, answer: cut},
	{Name: "stall-10s", Help: "the API server gets the request 10 seconds late", answer: late(10 * time.Second)},
	{Name: "stall", Help: "the API server does not get the request, and there is no answer", answer: stall},
	{Name: "stall-answer", Help: "the API server carries out the request, and there is no answer", Carried: true, answer: stall},
}

// injectedQuota is the name of the quota of an error that the proxy makes.
const injectedQuota = "failed-on-purpose"

// Faults returns all faults.
func Faults() []Fault { return table }

// FaultByName returns the fault with a name.
func FaultByName(name string) (Fault, error) {
	var names []string
	for _, f := range table {
		if f.Name == name {
			return f, nil
		}
		names = append(names, f.Name)
	}
	return Fault{}, fmt.Errorf("there is no fault %q; the faults are %s", name, strings.Join(names, ", "))
}
