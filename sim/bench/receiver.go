package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// receiver takes spans of traces over HTTP. It decodes them only at the end: what it does meanwhile would count against
// the plugin, since both share the processors.
type receiver struct {
	server *http.Server
	at     string
	ended  chan error

	mu     sync.Mutex
	bodies [][]byte
}

func startReceiver() (*receiver, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &receiver{at: listener.Addr().String(), ended: make(chan error, 1)}
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: time.Minute}
	go func() { r.ended <- r.server.Serve(listener) }()
	return r, nil
}

// environ returns the variables that turn traces on, all of them.
func (r *receiver) environ() []string {
	return []string{"OTEL_SDK_DISABLED=false", "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://" + r.at + "/v1/traces", "OTEL_TRACES_SAMPLER=always_on"}
}

// ServeHTTP takes spans.
func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return // the connection is broken
	}
	r.mu.Lock()
	r.bodies = append(r.bodies, body)
	r.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// count returns the number of spans by name.
func (r *receiver) count() (map[string]int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	spans := map[string]int{}
	for _, body := range r.bodies {
		var request coltrace.ExportTraceServiceRequest
		if err := proto.Unmarshal(body, &request); err != nil {
			return nil, fmt.Errorf("decode spans: %w", err)
		}
		for _, resource := range request.GetResourceSpans() {
			for _, scope := range resource.GetScopeSpans() {
				for _, span := range scope.GetSpans() {
					spans[span.GetName()]++
				}
			}
		}
	}
	return spans, nil
}

func (r *receiver) stop() error {
	if err := r.server.Shutdown(context.Background()); err != nil {
		return err
	}
	if err := <-r.ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
