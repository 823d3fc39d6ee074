package server

import (
	"bytes"
	_ "embed" // for the two files below
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"strings"
)

var (
	//go:embed openapi.json
	openAPI []byte
	//go:embed docs.html
	docsPage string
)

const openAPIPath = "/openapi.json"

// document is as much of an OpenAPI document as the page shows.
type document struct {
	Info struct {
		Title       string `json:"title"`
		Description string `json:"description"`
		Version     string `json:"version"`
	} `json:"info"`
	Paths      map[string]map[string]operation `json:"paths"`
	Components struct {
		Responses map[string]body            `json:"responses"`
		Schemas   map[string]json.RawMessage `json:"schemas"`
	} `json:"components"`
}

type operation struct {
	Summary     string          `json:"summary"`
	Description string          `json:"description"`
	RequestBody body            `json:"requestBody"`
	Responses   map[string]body `json:"responses"`
}

type body struct {
	Description string `json:"description"`
	Content     map[string]struct {
		Schema schema `json:"schema"`
	} `json:"content"`
}

type schema struct {
	Ref  string `json:"$ref"`
	Text string `json:"type"`
}

// Name is the last part of a reference.
func (s schema) Name() string {
	if s.Ref == "" {
		return ""
	}
	return path.Base(s.Ref)
}

// addDocs adds the routes for people and programs that read the API. Both come
// from one document, made once: the page draws nothing from elsewhere.
func (s *Server) addDocs() error {
	at := s.options.APIDocsPath
	if at == "" {
		return nil
	}
	if _, taken := s.routes[at]; taken || at == openAPIPath || !strings.HasPrefix(at, "/") {
		return fmt.Errorf("%q cannot be the path of the docs: a free path that begins with a slash is wanted", at)
	}
	spec, page, err := renderDocs(s.options)
	if err != nil {
		return err
	}
	s.routes[openAPIPath] = static("application/json", spec)
	s.routes[at] = static("text/html; charset=utf-8", page)
	return nil
}

func static(contentType string, content []byte) route {
	return route{
		methods: []string{http.MethodGet, http.MethodHead},
		serve: func(w http.ResponseWriter, _ *http.Request, _ *subject) error {
			return write(w, http.StatusOK, contentType, content)
		},
	}
}

// renderDocs fills the options into the document and draws the page from it.
func renderDocs(options Options) (spec, page []byte, err error) {
	var whole map[string]any
	if err := json.Unmarshal(openAPI, &whole); err != nil {
		return nil, nil, err
	}
	whole["info"] = map[string]string{
		"title": options.Name, "description": options.Description, "version": options.Version,
	}
	if spec, err = json.MarshalIndent(whole, "", "  "); err != nil {
		return nil, nil, err
	}
	var shown document
	if err := json.Unmarshal(spec, &shown); err != nil {
		return nil, nil, err
	}
	layout, err := template.New("docs").Funcs(template.FuncMap{
		"upper": strings.ToUpper,
		"indent": func(raw json.RawMessage) (string, error) {
			var out bytes.Buffer
			err := json.Indent(&out, raw, "", "  ")
			return out.String(), err
		},
	}).Parse(docsPage)
	if err != nil {
		return nil, nil, err
	}
	var out bytes.Buffer
	if err := layout.Execute(&out, shown); err != nil {
		return nil, nil, err
	}
	return spec, out.Bytes(), nil
}
