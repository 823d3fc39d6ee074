package admin

import (
	"bytes"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"path"
	"strings"
	"time"
)

// Options configure a Handler.
type Options struct {
	// TokenFile is the path of the file with the token of the page.
	TokenFile string
	// Name and Version describe the plugin, and Instance names the installation.
	Name, Version, Instance string
	// Address is the host:port that the page is served on, and Hosts are other names by which browsers may call it.
	Address string
	Hosts   []string
	Source  Source
	// Documents are served to readers who are signed in, by their paths.
	Documents map[string]Document
	// Log gets a line for each reader who signs in, and for each wrong token.
	Log *slog.Logger
	// Now returns the time; nil: the time of the system.
	Now func() time.Time
}

// Document is a page that is written already.
type Document struct {
	Title, ContentType string
	Content            []byte
}

// Handler serves the page.
type Handler struct {
	options  Options
	hosts    []string
	cookie   string
	sessions sessions
	pages    map[string]*template.Template
	handler  http.Handler
	now      func() time.Time
}

//go:embed files
var files embed.FS

// assets are the files that a page loads. They say nothing about the plugin, so a reader need not be signed in.
var assets = map[string]string{"page.css": "text/css; charset=utf-8", "page.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml"}

const textHTML = "text/html; charset=utf-8"

// New returns a Handler. It does not read the file with the token: see [CheckTokenFile].
func New(options Options) (*Handler, error) {
	h := &Handler{options: options, now: options.Now, pages: map[string]*template.Template{}}
	if h.now == nil {
		h.now = time.Now
	}
	for _, host := range options.Hosts {
		h.hosts = append(h.hosts, strings.ToLower(host))
	}
	if host, _, err := net.SplitHostPort(options.Address); err == nil && host != "" {
		h.hosts = append(h.hosts, strings.ToLower(host))
	}
	// A browser sends cookies of localhost to all of its ports: so the pages of two installations need two names.
	name := digestOf(options.Instance)
	h.cookie = "interlink_admin_" + hex.EncodeToString(name[:4])

	for _, page := range []string{"pods", "pod", "orphans", "config", "login", "problem"} {
		parsed, err := template.New("layout.gohtml").Funcs(functions).ParseFS(files, "files/layout.gohtml", "files/"+page+".gohtml")
		if err != nil {
			return nil, fmt.Errorf("admin page: %w", err)
		}
		h.pages[page] = parsed
	}
	mux := http.NewServeMux()
	for name, contentType := range assets {
		content, err := fs.ReadFile(files, path.Join("files", name))
		if err != nil {
			return nil, fmt.Errorf("admin page: %w", err)
		}
		mux.Handle("GET /assets/"+name, asset(contentType, content))
	}
	mux.HandleFunc("POST /login", h.login)
	mux.HandleFunc("POST /logout", h.logout)
	mux.Handle("GET /{$}", h.signedIn(h.showPods))
	mux.Handle("GET /pods/{namespace}/{name}", h.signedIn(h.showPod))
	mux.Handle("GET /orphans", h.signedIn(h.showOrphans))
	mux.Handle("GET /config", h.signedIn(h.showConfig))
	for path, document := range options.Documents {
		mux.Handle("GET "+path, h.signedIn(func(w http.ResponseWriter, _ *http.Request) {
			send(w, http.StatusOK, document.ContentType, document.Content)
		}))
	}
	mux.Handle("/", h.signedIn(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "the page only shows", http.StatusMethodNotAllowed)
			return
		}
		h.problem(w, http.StatusNotFound, "Not found", "There is no such page.")
	}))
	h.handler = h.guard(mux)
	return h, nil
}

// ServeHTTP serves the page.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.handler.ServeHTTP(w, r) }

// asset serves a file. A browser keeps it, and asks whether it has changed.
func asset(contentType string, content []byte) http.Handler {
	sum := digestOf(string(content))
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("ETag", tag)
		w.Header().Set("Content-Type", contentType)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	})
}

// layout is what each page has.
type layout struct {
	Title, Name, Version, Instance string
	// Tab is the part of the navigation that the page belongs to; SignedIn is false on the page that asks for the token.
	Tab      string
	SignedIn bool
	// Documents are links.
	Documents []link
	// Updated is when the page was written.
	Updated stamp
	Clock   string
	Page    any
}

type link struct{ Title, Path string }

// render sends a page.
func (h *Handler) render(w http.ResponseWriter, code int, page string, l layout) {
	l.Name, l.Version, l.Instance = h.options.Name, h.options.Version, h.options.Instance
	now := h.now()
	l.Updated, l.Clock = stampOf(now, now), now.UTC().Format("15:04:05 UTC")
	if document, ok := h.options.Documents["/docs"]; ok {
		l.Documents = append(l.Documents, link{document.Title, "/docs"})
	}
	var out bytes.Buffer
	if err := h.pages[page].Execute(&out, l); err != nil {
		h.options.Log.Error("the admin page cannot be written", "page", page, "error", err)
		http.Error(w, "the page cannot be written; see the log of the plugin", http.StatusInternalServerError)
		return
	}
	send(w, code, textHTML, out.Bytes())
}

type problemPage struct{ Title, Text string }

// problem sends a page that says what is wrong.
func (h *Handler) problem(w http.ResponseWriter, code int, title, text string) {
	h.render(w, code, "problem", layout{Title: title, SignedIn: true, Page: problemPage{title, text}})
}

func send(w http.ResponseWriter, code int, contentType string, content []byte) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(code)
	_, _ = w.Write(content) // an error means that the reader is gone
}
