package server

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// adminHandler serves health, readiness and metrics, which need no token: kubelets and Prometheus have none. It has
// its own listener, because the API may listen on a unix socket that only InterLink can reach.
func (s *Server) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		_ = write(w, http.StatusOK, textPlain, []byte("ok\n"))
	})
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.options.Registry, promhttp.HandlerOpts{}))
	admin := s.options.Admin
	if admin == nil {
		admin = http.HandlerFunc(noPage)
	}
	mux.Handle("/", admin)
	return mux
}

// noPage says why there is no page.
func noPage(w http.ResponseWriter, _ *http.Request) {
	_ = write(w, http.StatusNotFound, textPlain, []byte("not found: here are /healthz, /readyz and /metrics; the page and the documentation need [app] admin_token_file\n"))
}

// readyz runs every check and reports the result of each. The parameter exclude leaves out a check,
// as with the endpoints of Kubernetes: a kubelet must not take the plugin out of its
// Service because of the remote cluster (docs/contract.md, PING-3). The parameter verbose adds checks for
// people and monitoring, which count only then: no kubelet asks for it.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	checks := append([]Check{{Name: "shutdown", Check: s.notStopping}}, s.options.Ready...)
	if r.URL.Query().Has("verbose") {
		checks = append(checks, s.options.Verbose...)
	}
	code, body := http.StatusOK, new(strings.Builder)
	for _, check := range checks {
		if slices.Contains(r.URL.Query()["exclude"], check.Name) {
			fmt.Fprintf(body, "[+]%s excluded: ok\n", check.Name)
			continue
		}
		if err := runCheck(r.Context(), check); err != nil {
			code = http.StatusServiceUnavailable
			fmt.Fprintf(body, "[-]%s failed: %s\n", check.Name, oneLine(err.Error(), 500))
			continue
		}
		note := ""
		if check.Note != nil {
			if note = check.Note(); note != "" {
				note = ": " + oneLine(note, 500)
			}
		}
		fmt.Fprintf(body, "[+]%s ok%s\n", check.Name, note)
	}
	_ = write(w, code, textPlain, []byte(body.String()))
}

func runCheck(ctx context.Context, check Check) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return check.Check(ctx)
}

func (s *Server) notStopping(context.Context) error {
	if s.stopping.Err() != nil {
		return errStopping
	}
	return nil
}
