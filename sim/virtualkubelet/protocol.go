package virtualkubelet

import (
	"context"
	"errors"
	"html"
	"net/http"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/uuid"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/interlink"
)

// request is the method and the path of a call.
type request struct{ method, path string }

// protocol says how each call is sent, and what its answer means.
type protocol struct {
	ping, create, status, remove, logs request
	// pingBody is the body of the ping; nil for none.
	pingBody    any
	pingSession func(*client) string
	createBody  func(*corev1.Pod, interlink.Objects, interlink.Options) (any, error)
	// read returns the plugin's own answer to a call, or why there is none.
	read func(at request, status int, answer []byte) (int, []byte, error)
	// callTimeout is how long the other side may take to begin an answer.
	callTimeout time.Duration
	// logsAlone says that each log has a connection of its own.
	logsAlone bool
}

// toPlugin is what the InterLink API server sends to a plugin.
var toPlugin = protocol{
	ping:        request{http.MethodGet, "/status"},
	create:      request{http.MethodPost, "/create"},
	status:      request{http.MethodGet, "/status"},
	remove:      request{http.MethodPost, "/delete"},
	logs:        request{http.MethodGet, "/getLogs"},
	pingBody:    interlink.PingRequest(),
	pingSession: func(*client) string { return "Request-" + string(uuid.NewUUID()) },
	createBody: func(pod *corev1.Pod, objects interlink.Objects, options interlink.Options) (any, error) {
		return interlink.CreateRequest(pod, objects, options)
	},
	read:        func(_ request, status int, answer []byte) (int, []byte, error) { return status, answer, nil },
	callTimeout: interlink.CallTimeout,
}

// pingPath is the path of the virtual kubelet's ping.
const pingPath = "/pinglink"

// toInterLink is what the virtual kubelet sends to the InterLink API server, which waits
// for the plugin as long as interlink.CallTimeout.
var toInterLink = protocol{
	ping:        request{http.MethodPost, pingPath},
	create:      request{http.MethodPost, "/create"},
	status:      request{http.MethodGet, "/status"},
	remove:      request{http.MethodDelete, "/delete"},
	logs:        request{http.MethodGet, "/getLogs"},
	pingSession: func(c *client) string { return c.session("PingInterLink") },
	createBody: func(pod *corev1.Pod, objects interlink.Objects, options interlink.Options) (any, error) {
		return interlink.CreateForInterLink(pod, objects, options)
	},
	read:        unwrap,
	callTimeout: interlink.CallTimeout + 10*time.Second,
	logsAlone:   true,
}

// errNoAnswer is the error of a call that InterLink could not send on.
var errNoAnswer = errors.New("InterLink says with an empty answer 500 that the plugin has not answered; its log has the cause")

// unwrap returns the plugin's answer that the InterLink API server has put into an answer
// of its own (docs/contract.md, HTTP-12).
func unwrap(at request, status int, answer []byte) (int, []byte, error) {
	if status == http.StatusOK {
		return status, answer, nil
	}
	text := string(answer)
	if at.path == pingPath {
		text = strings.TrimSuffix(text, "503") // which InterLink appends to each failed ping
	}
	if status == http.StatusInternalServerError && text == "" {
		return 0, nil, errNoAnswer
	}
	text = html.UnescapeString(text)
	if wrapping, own, ok := strings.Cut(text, "Body: "); ok && strings.Contains(wrapping, "call exit status: ") {
		text = own
	}
	return status, []byte(text), nil
}

// sendLogs sends a request for a log.
func (c *client) sendLogs(ctx context.Context, body any) (*http.Response, error) {
	if c.protocol.logsAlone {
		alone := *c.http
		transport := c.http.Transport.(*http.Transport).Clone()
		transport.DisableKeepAlives = true
		alone.Transport = transport
		return c.sendWith(ctx, &alone, c.protocol.logs, c.session("GetLogs"), body)
	}
	return c.send(ctx, c.protocol.logs, c.session("GetLogs"), body)
}
