package admin

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// policy allows a page nothing but its own style, script and images: no inline script, no inline style, nothing of
// another host, no frame.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guard protects every answer, and refuses requests that another site could have caused.
func (h *Handler) guard(next http.Handler) http.Handler {
	// A form of another site cannot sign a reader in or out: the package compares the headers Sec-Fetch-Site and
	// Origin with the host.
	next = http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("X-Frame-Options", "DENY")
		header.Set("Referrer-Policy", "same-origin") // with no-referrer, browsers send "Origin: null" with a form
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Cache-Control", "no-store")
		if !h.knownHost(r.Host) {
			http.Error(w, "the page is not for this host name; add the name to [app] admin_hosts, or use an IP address or localhost", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// knownHost reports whether the page may be called by the name in the header Host. With a name of its own that it
// lets point to this address, another site could have a browser send requests here, and read the answers (DNS
// rebinding). It cannot do that with an IP address.
func (h *Handler) knownHost(host string) bool {
	name := host
	if without, _, err := net.SplitHostPort(host); err == nil {
		name = without
	}
	name = strings.ToLower(strings.TrimSuffix(strings.Trim(name, "[]"), "."))
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	return name == "localhost" || slices.Contains(h.hosts, name)
}
