package cluster

import (
	"bytes"
	"io"
	"net/http"
	"strings"

	"k8s.io/client-go/rest"
)

// startupTransport recognizes an API server that has just started and has not
// loaded its RBAC roles yet. For a moment such a server answers every request with
// 403 Forbidden, in the same words as for a missing permission. It then also
// forbids to create a SelfSubjectAccessReview, which every cluster permits to every
// authenticated user
// (system:basic-user, https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings).
//
// The transport changes such an answer to 503, so that callers retry. If the review
// is permitted, the roles may have been loaded since the 403: the transport then
// sends the request once more. That is safe, because the API server did not carry
// out a request that it answered with 403.
type startupTransport struct{ next http.RoundTripper }

// reviewPath is where a client asks for its own permissions.
const reviewPath = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

// review asks for any permission; only the status code of the answer is used.
const review = `{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","spec":{"resourceAttributes":{"verb":"list","resource":"pods"}}}`

func (t startupTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := t.next.RoundTrip(request)
	if err != nil || response.StatusCode != http.StatusForbidden || strings.HasSuffix(request.URL.Path, reviewPath) {
		return response, err
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close() // the body was read
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	if !bytes.Contains(body, []byte(" cannot ")) { // an admission plugin refused the request, for example for a quota
		return response, nil
	}
	switch status, err := t.review(request); {
	case err != nil:
		return nil, err
	case status == http.StatusForbidden:
		response.StatusCode, response.Status = http.StatusServiceUnavailable, "503 Service Unavailable"
		response.Header.Set("Content-Type", "text/plain")
		response.Body = io.NopCloser(strings.NewReader("the API server has not loaded its RBAC roles yet"))
		response.ContentLength = -1
		return response, nil
	case status != http.StatusCreated || request.Body != nil && request.GetBody == nil:
		return response, nil
	}
	second := request.Clone(request.Context())
	if request.Body != nil {
		if second.Body, err = request.GetBody(); err != nil {
			return nil, err
		}
	}
	return t.next.RoundTrip(second)
}

// review creates a SelfSubjectAccessReview with the credentials of a request, and
// returns the HTTP status of the answer.
func (t startupTransport) review(request *http.Request) (int, error) {
	question := request.Clone(request.Context())
	question.Method, question.ContentLength = http.MethodPost, int64(len(review))
	question.URL.Path = question.URL.Path[:apiStart(question.URL.Path)] + reviewPath
	question.URL.RawPath, question.URL.RawQuery = "", ""
	question.Header.Set("Content-Type", "application/json")
	question.Header.Set("Accept", "application/json")
	question.Body = io.NopCloser(strings.NewReader(review))
	question.GetBody = nil
	response, err := t.next.RoundTrip(question)
	if err != nil {
		return 0, err
	}
	_, _ = io.Copy(io.Discard, response.Body) // so that the connection can be used again
	return response.StatusCode, response.Body.Close()
}

// apiStart returns where the API server's own paths begin in a path. If the server
// is behind a proxy, another path may come first.
func apiStart(path string) int {
	for _, root := range []string{"/api/", "/apis/"} {
		if at := strings.Index(path, root); at >= 0 {
			return at
		}
	}
	return 0
}

// retryDuringStartup adds a startupTransport to a client configuration, below the
// transport that adds the credentials.
func retryDuringStartup(config *rest.Config) {
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return startupTransport{next} })
}
