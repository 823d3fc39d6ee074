package cluster

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
)

// roundTripper is a transport of a test.
type roundTripper func(*http.Request) (*http.Response, error)

func (r roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return r(request) }

func TestTargetOfARequest(t *testing.T) {
	for _, test := range []struct {
		base, method, url string
		want              target
	}{
		{"", "GET", "/api/v1/pods", target{resource: "pods", list: true}},
		{"", "GET", "/api/v1/namespaces/n/pods?watch=true", target{namespace: "n", resource: "pods", watch: true, list: true}},
		{"/k8s/clusters/c-1", "GET", "/k8s/clusters/c-1/api/v1/pods?watch=1", target{resource: "pods", watch: true, list: true}},
		{"/api/endpoints/1/kubernetes", "GET", "/api/endpoints/1/kubernetes/api/v1/pods?watch=1", target{resource: "pods", watch: true, list: true}},
		{"/api/v1/x", "GET", "/api/v1/x/apis/apps/v1/deployments", target{resource: "deployments", list: true}},
		{"", "GET", "/apis/apps/v1/namespaces/api/deployments/d", target{namespace: "api", resource: "deployments", name: "d"}},
		{"", "GET", "/api/v1/namespaces/n/pods/p", target{namespace: "n", resource: "pods", name: "p"}},
		{"", "GET", "/api/v1/namespaces/n/pods/p/log?follow=true&container=c", target{namespace: "n", resource: "pods", name: "p", subresource: "log", follow: true}},
		{"", "GET", "/api/v1/namespaces/n/pods/p/log", target{namespace: "n", resource: "pods", name: "p", subresource: "log"}},
		{"", "POST", "/api/v1/namespaces/n/pods", target{namespace: "n", resource: "pods"}},
		{"", "POST", "/api/v1/namespaces", target{resource: "namespaces"}},
		{"", "GET", "/api/v1/namespaces/n", target{resource: "namespaces", name: "n"}},
		{"", "GET", "/apis/apps/v1/namespaces/n/deployments/d", target{namespace: "n", resource: "deployments", name: "d"}},
		{"", "GET", "/apis/apps/v1/deployments", target{resource: "deployments", list: true}},
		{"", "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", target{resource: "selfsubjectaccessreviews"}},
		{"", "GET", "/apis/apps/v1", target{}},
		{"", "GET", "/api", target{}},
		{"", "GET", "/version", target{}},
		{"", "GET", "/", target{}},
	} {
		test.want.base = test.base
		var got target
		transport := targetTransport{base: test.base, next: roundTripper(func(request *http.Request) (*http.Response, error) {
			got = targetOf(request)
			return nil, errors.New("no answer")
		})}
		if _, err := transport.RoundTrip(httptest.NewRequest(test.method, test.url, nil)); err == nil {
			t.Fatal("an answer")
		}
		if got != test.want {
			t.Errorf("%s %s is about %+v, want %+v", test.method, test.url, got, test.want)
		}
	}
}
