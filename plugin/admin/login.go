package admin

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// maxForm is the largest size of the form that signs a reader in, and formTime the time that it may take to arrive.
	maxForm  = 16 << 10
	formTime = 10 * time.Second
)

// loginPage is the page that asks for the token.
type loginPage struct {
	// Next is the path that the reader wanted to see.
	Next, Problem string
}

// errTooMany says that an address has sent too many wrong tokens.
var errTooMany = errors.New("too many wrong tokens; wait a minute")

// signedIn serves next to readers who are signed in or send the token, and asks the others for the token.
func (h *Handler) signedIn(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, err := readToken(h.options.TokenFile)
		if err != nil {
			h.noToken(w, err)
			return
		}
		if sent, ok := bearer(r); ok {
			switch err := h.check(r, sent, token); {
			case errors.Is(err, errTooMany):
				h.refuse(w, err)
			case err != nil:
				w.Header().Set("WWW-Authenticate", "Bearer")
				http.Error(w, err.Error(), http.StatusUnauthorized)
			default:
				next(w, r)
			}
			return
		}
		if cookie, err := r.Cookie(h.cookie); err == nil && h.sessions.valid(cookie.Value, token, h.now()) {
			next(w, r)
			return
		}
		w.Header().Set("WWW-Authenticate", "Bearer")
		h.askForToken(w, http.StatusUnauthorized, loginPage{Next: localPath(r.URL.RequestURI())})
	})
}

// login begins a session.
func (h *Handler) login(w http.ResponseWriter, r *http.Request) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(formTime)) // a recorder of a test has none
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "the form cannot be read", http.StatusBadRequest)
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	page := loginPage{Next: localPath(r.PostForm.Get("next"))}
	token, err := readToken(h.options.TokenFile)
	if err != nil {
		h.noToken(w, err)
		return
	}
	switch err := h.check(r, strings.TrimSpace(r.PostForm.Get("token")), token); {
	case errors.Is(err, errTooMany):
		h.refuse(w, err)
		return
	case err != nil:
		page.Problem = "This is not the token."
		h.askForToken(w, http.StatusUnauthorized, page)
		return
	}
	h.options.Log.Info("a reader of the admin page has signed in", "client", clientOf(r))
	http.SetCookie(w, h.newCookie(r, h.sessions.begin(token, h.now()), int(sessionTime/time.Second)))
	http.Redirect(w, r, page.Next, http.StatusSeeOther)
}

// logout ends a session.
func (h *Handler) logout(w http.ResponseWriter, r *http.Request) {
	if cookie, err := r.Cookie(h.cookie); err == nil {
		h.sessions.end(cookie.Value)
	}
	http.SetCookie(w, h.newCookie(r, "", -1))
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// newCookie returns the cookie of a session. Scripts cannot read it, and a browser does not send it with a request
// that another site causes. Where TLS ends at a proxy, the header of the proxy says so; a client that lies about it
// only harms itself.
func (h *Handler) newCookie(r *http.Request, value string, age int) *http.Cookie {
	return &http.Cookie{
		Name: h.cookie, Value: value, Path: "/", MaxAge: age, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https"),
	}
}

// check returns nil if a client sends the token. It counts wrong ones.
func (h *Handler) check(r *http.Request, sent string, token digest) error {
	client := clientOf(r)
	if !h.sessions.mayTry(client, h.now()) {
		return errTooMany
	}
	if digestOf(sent).equal(token) {
		return nil
	}
	h.sessions.failed(client, h.now())
	h.options.Log.Warn("a client of the admin page has sent a wrong token", "client", client)
	return errors.New("this is not the token in [app] admin_token_file")
}

func (h *Handler) askForToken(w http.ResponseWriter, code int, page loginPage) {
	h.render(w, code, "login", layout{Title: "Sign in", Page: page})
}

func (h *Handler) refuse(w http.ResponseWriter, err error) {
	w.Header().Set("Retry-After", strconv.Itoa(int(failureTime/time.Second)))
	http.Error(w, err.Error(), http.StatusTooManyRequests)
}

// noToken answers while the file with the token cannot be used: then no reader is signed in.
func (h *Handler) noToken(w http.ResponseWriter, err error) {
	h.options.Log.Error("the admin page is closed", "error", err)
	http.Error(w, "the page is closed: the file of [app] admin_token_file cannot be used; see the log of the plugin", http.StatusServiceUnavailable)
}

// localPath returns a path of this page: a form must not send a reader to another site.
func localPath(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") ||
		strings.ContainsAny(text, "\\\r\n\t") || u.Path == "/login" || u.Path == "/logout" || len(text) > 2000 {
		return "/"
	}
	return (&url.URL{Path: u.Path, RawQuery: u.RawQuery}).String()
}
