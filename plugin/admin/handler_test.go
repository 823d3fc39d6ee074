package admin

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

var paths = []string{"/", "/?q=x", "/pods/offloading-bio/none", "/orphans", "/config", "/docs", "/nothing"}

func TestOnlyReadersWithTheTokenSeeThePage(t *testing.T) {
	s := serve(t, sampleSource(10))
	for _, path := range paths {
		answer := s.get(path)
		answer.expect(t, http.StatusUnauthorized, "Sign in", `name="token"`)
		for _, secret := range []string{"train-resnet", "site-a.", "<p>docs", "gpu-worker"} {
			if strings.Contains(answer.body, secret) {
				t.Errorf("%s shows %q to a reader who is not signed in", path, secret)
			}
		}
	}
	s.signIn("wrong-wrong-wrong-wrong").expect(t, http.StatusUnauthorized, "This is not the token.")
	answer := s.signIn(" " + token + "\n")
	answer.expect(t, http.StatusSeeOther)
	if got := answer.Header.Get("Location"); got != "/config" {
		t.Errorf("after the sign-in the reader goes to %q", got)
	}
	cookie := answer.Cookies()[0]
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Secure || strings.Contains(cookie.Value, token) || len(cookie.Value) < 26 {
		t.Errorf("the cookie is %v", cookie)
	}
	s.get("/").expect(t, http.StatusOK, "train-resnet-00000")
	s.get("/docs").expect(t, http.StatusOK, "<p>docs")
	s.get("/nothing").expect(t, http.StatusNotFound, "There is no such page.")
	s.do(http.MethodPost, "/logout", url.Values{}).expect(t, http.StatusSeeOther)
	s.get("/").expect(t, http.StatusUnauthorized)
	// The old cookie is worth nothing, not only forgotten by the browser.
	s.get("/", func(r *http.Request) { r.AddCookie(cookie) }).expect(t, http.StatusUnauthorized)
}

func TestTheCookieIsForHTTPSOnlyBehindAProxyWithHTTPS(t *testing.T) {
	s := serve(t, sampleSource(1))
	if cookie := s.signIn(token, withHeader("X-Forwarded-Proto", "https")).Cookies()[0]; !cookie.Secure {
		t.Errorf("the cookie is %v", cookie)
	}
}

func TestBearerToken(t *testing.T) {
	s := serve(t, sampleSource(10))
	s.get("/", withHeader("Authorization", "Bearer "+token)).expect(t, http.StatusOK)
	answer := s.get("/", withHeader("Authorization", "bearer wrong"))
	answer.expect(t, http.StatusUnauthorized)
	if answer.Header.Get("WWW-Authenticate") != "Bearer" || len(answer.Cookies()) > 0 {
		t.Errorf("the answer has the headers %v", answer.Header)
	}
	if log := s.log.String(); strings.Contains(log, token) || !strings.Contains(log, "wrong token") {
		t.Errorf("the log is %s", log)
	}
}

func TestSessionsEnd(t *testing.T) {
	s := serve(t, sampleSource(1))
	signedIn := func(want bool) {
		t.Helper()
		code := http.StatusUnauthorized
		if want {
			code = http.StatusOK
		}
		s.get("/").expect(t, code)
	}
	s.signIn(token)
	s.clock = s.clock.Add(sessionTime)
	signedIn(true)
	s.clock = s.clock.Add(time.Second)
	signedIn(false) // after its time

	s.signIn(token)
	signedIn(true)
	s.writeToken("another-token-of-the-page")
	signedIn(false) // the token has changed
	s.writeToken(token)
	signedIn(false) // and stays ended

	s.signIn(token)
	if err := os.Remove(s.tokenFile); err != nil {
		t.Fatal(err)
	}
	s.get("/").expect(t, http.StatusServiceUnavailable, "the page is closed")
	s.signIn(token).expect(t, http.StatusServiceUnavailable)
	if strings.Contains(s.get("/").body, s.tokenFile) {
		t.Error("a reader who is not signed in sees the path of the file")
	}
	s.writeToken(token)
	for range maxSessions { // other readers
		s.handler.sessions.begin(digestOf(token), s.clock.Add(time.Minute))
	}
	signedIn(false) // it was the oldest
	if n := len(s.handler.sessions.open); n > maxSessions {
		t.Errorf("%d sessions are open", n)
	}
}

func TestWrongTokensAreLimited(t *testing.T) {
	s := serve(t, sampleSource(1))
	for range maxFailures {
		s.signIn("wrong").expect(t, http.StatusUnauthorized)
	}
	answer := s.signIn(token)
	answer.expect(t, http.StatusTooManyRequests)
	if answer.Header.Get("Retry-After") != "60" {
		t.Errorf("the answer has the headers %v", answer.Header)
	}
	s.get("/", withHeader("Authorization", "Bearer "+token)).expect(t, http.StatusTooManyRequests)
	s.clock = s.clock.Add(failureTime)
	s.signIn(token).expect(t, http.StatusSeeOther)

	// However many addresses send wrong tokens, the memory is bounded, and new addresses are limited together.
	for i := range maxAddresses + 500 {
		s.handler.sessions.failed(string(rune('a'+i%20))+time.Duration(i).String(), s.clock)
	}
	if n := len(s.handler.sessions.failures); n > maxAddresses+1 {
		t.Errorf("%d addresses are remembered", n)
	}
	if s.handler.sessions.mayTry("an address that is new", s.clock) {
		t.Error("a new address may try, while very many others send wrong tokens")
	}
	if !s.handler.sessions.mayTry("an address that is new", s.clock.Add(failureTime)) {
		t.Error("a new address may not try after a minute")
	}
}

func TestHosts(t *testing.T) {
	s := serve(t, sampleSource(1))
	for host, ok := range map[string]bool{
		"localhost": true, "localhost:8080": true, "LOCALHOST.": true, "127.0.0.1:1": true, "[::1]:8080": true, "[2001:db8::1]": true, "10.1.2.3": true,
		"plugin.example.org:8080": true, "admin.example.org": true, "ADMIN.example.org:443": true,
		"evil.example": false, "localhost.evil.example": false, "evil.example:8080": false, "127.0.0.1.evil.example": false, "": false, "xlocalhost": false,
		"admin.example.org.evil.example": false,
	} {
		for _, path := range append([]string{"/assets/page.css"}, paths...) {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.Host = host
			w := httptest.NewRecorder()
			s.handler.ServeHTTP(w, r)
			if refused := w.Code == http.StatusMisdirectedRequest; refused == ok {
				t.Errorf("%s of host %q answers %d", path, host, w.Code)
			}
		}
	}
	s.signIn(token, withHost("evil.example")).expect(t, http.StatusMisdirectedRequest)
}

func TestOtherSitesCannotSignIn(t *testing.T) {
	s := serve(t, sampleSource(1))
	for _, header := range [][2]string{{"Origin", "https://evil.example"}, {"Origin", "null"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}} {
		s.signIn(token, withHeader(header[0], header[1])).expect(t, http.StatusForbidden)
		s.do(http.MethodPost, "/logout", url.Values{}, withHeader(header[0], header[1])).expect(t, http.StatusForbidden)
	}
	s.signIn(token, withHeader("Origin", s.server.URL)).expect(t, http.StatusSeeOther)
	s.signIn(token, withHeader("Sec-Fetch-Site", "same-origin")).expect(t, http.StatusSeeOther)
}

func TestAReaderStaysOnThePage(t *testing.T) {
	for next, want := range map[string]string{
		"/config": "/config", "/?q=a%20b&sort=name": "/?q=a%20b&sort=name", "/pods/a/b": "/pods/a/b", "": "/", "config": "/",
		"https://evil.example/": "/", "//evil.example": "/", "/\\evil.example": "/", "/\t/evil.example": "/", "///evil.example": "/",
		"javascript:alert(1)": "/", "/login": "/", "/logout": "/", "/%2F/evil.example": "/", "/?" + strings.Repeat("a", 3000): "/", "/\r\nX: y": "/",
	} {
		if got := localPath(next); got != want {
			t.Errorf("localPath(%q) = %q, want %q", next, got, want)
		}
	}
}

func TestEveryAnswerIsProtected(t *testing.T) {
	s := serve(t, sampleSource(10))
	check := func(what string, header http.Header) {
		t.Helper()
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin", "Content-Security-Policy": policy,
		} {
			if got := header.Get(name); got != want {
				t.Errorf("%s has %s: %q", what, name, got)
			}
		}
	}
	for _, signedIn := range []bool{false, true} {
		if signedIn {
			s.signIn(token)
		}
		for _, path := range append([]string{"/assets/page.js", "/assets/none.js"}, paths...) {
			answer := s.get(path)
			check(path, answer.Header)
			if !strings.HasPrefix(path, "/assets/page") && answer.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s may be stored", path)
			}
			for _, inline := range []string{"<script>", "<style", " style=", " onclick", "javascript:"} {
				if strings.Contains(answer.body, inline) && path != "/assets/page.js" {
					t.Errorf("%s has %s", path, inline)
				}
			}
		}
	}
	check("a wrong host", s.get("/", withHost("evil.example")).Header)
}

func TestThePageOnlyShows(t *testing.T) {
	s := serve(t, sampleSource(10))
	s.signIn(token)
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		for _, path := range paths {
			if answer := s.do(method, path, url.Values{}); answer.StatusCode != http.StatusMethodNotAllowed {
				t.Errorf("%s %s answers %d", method, path, answer.StatusCode)
			}
		}
	}
	answer := s.do(http.MethodHead, "/", nil)
	answer.expect(t, http.StatusOK)
	if answer.body != "" {
		t.Error("HEAD has a body")
	}
	s.get("/login").expect(t, http.StatusNotFound)
	s.do(http.MethodPost, "/login", url.Values{"token": {strings.Repeat("x", maxForm+1)}}).expect(t, http.StatusBadRequest)
}

func TestAssetsAreAskedForAgain(t *testing.T) {
	s := serve(t, sampleSource(1))
	for name, contentType := range assets {
		answer := s.get("/assets/" + name)
		answer.expect(t, http.StatusOK)
		if answer.Header.Get("Content-Type") != contentType || answer.Header.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s has the headers %v", name, answer.Header)
		}
		s.get("/assets/"+name, withHeader("If-None-Match", answer.Header.Get("ETag"))).expect(t, http.StatusNotModified)
	}
}
