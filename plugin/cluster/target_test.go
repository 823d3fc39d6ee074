package cluster

import (
	"net/http/httptest"
	"testing"
)

func TestTargetOfARequest(t *testing.T) {
	for _, test := range []struct {
		method, url string
		want        target
	}{
		{"GET", "/api/v1/pods", target{resource: "pods", list: true}},
		{"GET", "/api/v1/namespaces/n/pods?watch=true", target{resource: "pods", watch: true, list: true}},
		{"GET", "/k8s/clusters/c-1/api/v1/pods?watch=1", target{resource: "pods", watch: true, list: true}},
		{"GET", "/api/v1/namespaces/n/pods/p", target{resource: "pods", name: "p"}},
		{"GET", "/api/v1/namespaces/n/pods/p/log?follow=true&container=c", target{resource: "pods", name: "p", subresource: "log", follow: true}},
		{"GET", "/api/v1/namespaces/n/pods/p/log", target{resource: "pods", name: "p", subresource: "log"}},
		{"POST", "/api/v1/namespaces/n/pods", target{resource: "pods"}},
		{"POST", "/api/v1/namespaces", target{resource: "namespaces"}},
		{"GET", "/api/v1/namespaces/n", target{resource: "namespaces", name: "n"}},
		{"GET", "/apis/apps/v1/namespaces/n/deployments/d", target{resource: "deployments", name: "d"}},
		{"GET", "/apis/apps/v1/deployments", target{resource: "deployments", list: true}},
		{"POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", target{resource: "selfsubjectaccessreviews"}},
		{"GET", "/apis/apps/v1", target{}},
		{"GET", "/api", target{}},
		{"GET", "/version", target{}},
		{"GET", "/", target{}},
	} {
		request := httptest.NewRequest(test.method, test.url, nil)
		if got := targetOf(request); got != test.want {
			t.Errorf("%s %s is about %+v, want %+v", test.method, test.url, got, test.want)
		}
	}
}
