package cluster

import (
	"bytes"
	"io"
	"net/http"
	"strings"

	"k8s.io/client-go/rest"
)

// rolesTransport tells a right that is missing from an API server that does not
// know its roles yet. One that has just started refuses everybody for a moment,
// in the same words. But what it then refuses too is to be asked for one's own
// rights, which every cluster permits to everybody who is authenticated
// (system:basic-user, https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings).
// Such a refusal becomes a 503, which may pass. Where it is permitted, the API
// server may have come to know its roles since, so the request is sent once more:
// what was refused was not done.
type rolesTransport struct{ next http.RoundTripper }

// reviewPath is where an API server is asked for one's own rights.
const reviewPath = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

// review asks for a right of no importance.
const review = `{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","spec":{"resourceAttributes":{"verb":"list","resource":"pods"}}}`

func (t rolesTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := t.next.RoundTrip(request)
	if err != nil || response.StatusCode != http.StatusForbidden || strings.HasSuffix(request.URL.Path, reviewPath) {
		return response, err
	}
	words, err := io.ReadAll(response.Body)
	_ = response.Body.Close() // it has been read
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(words))
	if !bytes.Contains(words, []byte(" cannot ")) { // an admission plugin's refusal: of a quota, say
		return response, nil
	}
	switch status, err := t.ask(request); {
	case err != nil:
		return nil, err
	case status == http.StatusForbidden:
		response.StatusCode, response.Status = http.StatusServiceUnavailable, "503 Service Unavailable"
		response.Header.Set("Content-Type", "text/plain")
		response.Body = io.NopCloser(strings.NewReader("the API server does not know its roles yet"))
		response.ContentLength = -1
		return response, nil
	case status != http.StatusCreated || request.Body != nil && request.GetBody == nil:
		return response, nil
	}
	again := request.Clone(request.Context())
	if request.Body != nil {
		if again.Body, err = request.GetBody(); err != nil {
			return nil, err
		}
	}
	return t.next.RoundTrip(again)
}

// ask returns the status with which the API server answers a question for one's
// own rights, with the credentials of a request.
func (t rolesTransport) ask(request *http.Request) (int, error) {
	question := request.Clone(request.Context())
	question.Method, question.ContentLength = http.MethodPost, int64(len(review))
	question.URL.Path = question.URL.Path[:prefix(question.URL.Path)] + reviewPath
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

// prefix is where the API server's own paths begin: one behind a proxy may have
// a path before them.
func prefix(path string) int {
	for _, root := range []string{"/api/", "/apis/"} {
		if at := strings.Index(path, root); at >= 0 {
			return at
		}
	}
	return 0
}

// knowRoles puts a rolesTransport below a client's credentials.
func knowRoles(config *rest.Config) {
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return rolesTransport{next} })
}
