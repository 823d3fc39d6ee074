package cluster

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

const (
	// tryTimeout limits one try of a request, without the jitter: the answer and its body.
	// For logs and for lists, which can be long, it limits the time until the answer, and
	// then the time without a byte of the body.
	tryTimeout = 15 * time.Second
	// tryJitter is the part of a limit that is added to it at most, so that requests that
	// hang together are not repeated together.
	tryJitter = 0.2
	// watchTimeout limits the time until the answer to a watch. Some proxies send the
	// headers only with the first event, which can be a bookmark.
	watchTimeout = 90 * time.Second
)

// boundedTransport limits each try of a request. It has no limit for a log that is
// followed, and none for the body of a watch, which the pod cache ends (pod_source.go).
type boundedTransport struct {
	next             http.RoundTripper
	timeout, watches time.Duration
}

// RoundTrip sends a request. The error is of kind Unavailable if the answer does not come
// in time.
func (t boundedTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	about := targetOf(request)
	if about.follow {
		return t.next.RoundTrip(request)
	}
	limit := wait.Jitter(t.timeout, tryJitter)
	if about.watch {
		limit = t.watches
	}
	ctx, cancel := context.WithCancelCause(request.Context())
	body := &boundedBody{limit: limit, ctx: ctx, cancel: cancel, each: about.isLog() || about.list}
	body.timer = time.AfterFunc(limit, func() {
		cancel(errdefs.New(errdefs.Unavailable, "no answer within %s", limit.Round(100*time.Millisecond)))
	})
	if body.each && !about.watch { // the layers below read some bodies as a whole
		ctx = withProgress(ctx, func(bool) { body.timer.Reset(limit) })
	}
	response, err := t.next.RoundTrip(request.WithContext(ctx))
	if err != nil {
		err = body.reason(err)
		body.end()
		return nil, err
	}
	if body.each {
		body.timer.Stop()
	}
	if about.watch {
		body.limit = 0
	}
	body.ReadCloser, response.Body = response.Body, body
	return response, nil
}

// boundedBody is the body of an answer whose time is limited.
type boundedBody struct {
	io.ReadCloser
	ctx    context.Context //nolint:containedctx // of the request, which ends with its body
	cancel context.CancelCauseFunc
	timer  *time.Timer
	limit  time.Duration // 0 for no limit
	each   bool          // each Read has the whole limit
}

// Read reads a part of the body. An answer that does not arrive as a whole is an error of
// kind Unavailable.
func (b *boundedBody) Read(p []byte) (int, error) {
	if b.each && b.limit > 0 {
		b.timer.Reset(b.limit)
		defer b.timer.Stop()
	}
	n, err := b.ReadCloser.Read(p)
	switch {
	case err == nil:
	case b.ctx.Err() != nil: // net/http returns io.EOF for some bodies whose request was canceled
		err = b.reason(err)
	case !errors.Is(err, io.EOF):
		err = brokenOff(err)
	}
	return n, err
}

// Close ends the request.
func (b *boundedBody) Close() error {
	err := b.ReadCloser.Close()
	b.end()
	return err
}

func (b *boundedBody) end() {
	b.timer.Stop()
	b.cancel(nil)
}

// reason returns why a request failed: the limit that ended it, or else the end of its
// caller's context, or else err.
func (b *boundedBody) reason(err error) error {
	if cause := context.Cause(b.ctx); cause != nil {
		return cause
	}
	return err
}
