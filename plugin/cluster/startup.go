package cluster

import (
	"io"
	"net/http"
	"strings"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// startupTransport recognizes an API server that has just started and has not
// loaded its RBAC roles yet. For a moment such a server answers every request with
// 403 Forbidden, in the same words as for a missing permission. It then also
// forbids to create a SelfSubjectAccessReview, which every cluster permits to every
// authenticated user
// (system:basic-user, https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings).
//
// The transport changes such an answer into an error of kind NotYet. If the review
// is permitted, the roles may have been loaded since the 403: the transport then
// sends the request once more. That is safe, because the API server did not carry
// out a request that it answered with 403.
type startupTransport struct{ next http.RoundTripper }

// reviewPath is where a client asks for its own permissions.
const reviewPath = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

// anonymous is the user of a request whose credentials the API server does not know, if it
// accepts such requests at all.
const anonymous = "system:anonymous"

// review asks for any permission; only the status code of the answer is used.
const review = `{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","spec":{"resourceAttributes":{"verb":"list","resource":"pods"}}}`

func (t startupTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := t.next.RoundTrip(request)
	if err != nil || response.StatusCode != http.StatusForbidden || strings.HasSuffix(request.URL.Path, reviewPath) {
		return response, err
	}
	status, err := readStatus(response)
	switch {
	case err != nil:
		return nil, err
	case status == nil: // it is not the API server's
		return response, nil
	case !strings.Contains(status.Message, " cannot "): // an admission plugin refused the request, for example for a quota
		return response, nil
	case strings.Contains(status.Message, anonymous): // an unknown user may not ask for its permissions either
		return response, nil
	}
	reviewed, err := t.review(request)
	if err != nil {
		return nil, err
	}
	switch code := reviewed.StatusCode; {
	case code == http.StatusForbidden:
		return nil, errdefs.New(errdefs.NotYet, "the API server has not loaded its RBAC roles yet")
	case code == http.StatusUnauthorized: // it does not accept the credentials any more
		return reviewed, nil
	case code == http.StatusTooManyRequests, code >= 500:
		return nil, errdefs.New(errdefs.Unavailable, "the API server refuses the request (%s), and answers %d when it is asked for the permission", status.Message, code)
	case code != http.StatusCreated || request.Body != nil && request.GetBody == nil:
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
// returns the answer, which is read to its end. A 403 that is not the API server's is an error.
func (t startupTransport) review(request *http.Request) (*http.Response, error) {
	question := request.Clone(request.Context())
	question.Method, question.ContentLength = http.MethodPost, int64(len(review))
	question.URL.Path = targetOf(request).base + reviewPath
	question.URL.RawPath, question.URL.RawQuery = "", ""
	question.Header.Set("Content-Type", "application/json")
	question.Header.Set("Accept", "application/json")
	question.Body = io.NopCloser(strings.NewReader(review))
	question.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(review)), nil }
	response, err := t.next.RoundTrip(question)
	if err != nil {
		return nil, err
	}
	if response.StatusCode < 300 {
		_, _ = io.Copy(io.Discard, response.Body) // so that the connection can be used again
		return response, response.Body.Close()
	}
	status, err := readStatus(response)
	if err == nil && status == nil && response.StatusCode == http.StatusForbidden {
		err = notTheAPIServers(response)
	}
	return response, err
}
