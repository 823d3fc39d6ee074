package fakecluster

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
)

// fakeHost is the host name in the URLs of requests that never reach a network.
const fakeHost = "memory"

// roundTripper answers HTTP requests without a network.
type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip calls the function.
func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

func newResponse(code int, body io.ReadCloser) *http.Response {
	return &http.Response{
		StatusCode: code, Status: http.StatusText(code), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: body, ContentLength: -1,
	}
}

// errorResponse returns an error in the form in which an API server sends it. An
// error that is not an API status becomes a Bad Request.
func errorResponse(err error) *http.Response {
	statusError := apierrors.NewBadRequest(err.Error())
	_ = errors.As(err, &statusError)
	status := statusError.Status()
	status.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
	text, _ := json.Marshal(status) // a status holds only strings and numbers: no error is possible
	return newResponse(int(status.Code), io.NopCloser(bytes.NewReader(text)))
}

// newDiscovery returns a real discovery client whose API server knows only the path
// /version. The fake clientset's own discovery client has no REST client, so it cannot
// send a request to a path.
func newDiscovery(gitVersion string) discovery.DiscoveryInterfaces {
	transport := roundTripper(func(request *http.Request) (*http.Response, error) {
		if request.URL.Path != "/version" {
			return errorResponse(apierrors.NewGenericServerResponse(http.StatusNotFound, "get", schema.GroupResource{}, "", request.URL.Path, 0, false)), nil
		}
		numbers := strings.Split(strings.TrimPrefix(gitVersion, "v")+"..", ".")
		text, _ := json.Marshal(version.Info{ // only strings: no error is possible
			Major: numbers[0], Minor: numbers[1], GitVersion: gitVersion, Platform: "simulated/memory",
		})
		return newResponse(http.StatusOK, io.NopCloser(bytes.NewReader(text))), nil
	})
	return discovery.NewDiscoveryClientForConfigOrDie(&rest.Config{Host: "http://" + fakeHost, Transport: transport})
}
