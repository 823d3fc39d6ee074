//go:build !race

// The race detector lets pools forget what they keep, at random: allocations differ from run to run.

package server

import (
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A request of a server without traces allocates the same, whether the caller has a trace or not; with traces it allocates more.
func TestTracesThatAreOffAllocateNothing(t *testing.T) {
	allocations := func(traceparent string, prepare func(*Server)) float64 {
		server := newServer(t, Options{Lifecycle: new(fake)})
		prepare(server)
		least := math.Inf(1)
		for range 5 { // a collection of garbage in the middle empties pools, so that more is allocated
			least = min(least, testing.AllocsPerRun(200, func() {
				request := httptest.NewRequest(http.MethodGet, "/status", strings.NewReader(goodStatus))
				request.Header.Set("traceparent", traceparent)
				server.Handler().ServeHTTP(httptest.NewRecorder(), request)
			}))
		}
		return least
	}
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	never := allocations("", func(*Server) {})
	for _, header := range []string{"", parent} {
		if off := allocations(header, func(s *Server) { s.Trace(nil) }); off != never {
			t.Errorf("a request allocates %v times, and %v times with traces that are off", never, off)
		}
	}
	_, traces := traced(t)
	if on := allocations(parent, func(s *Server) { s.Trace(traces) }); on <= never {
		t.Errorf("a request allocates %v times with traces, and %v times without: the test sees nothing", on, never)
	}
}
