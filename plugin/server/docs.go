package server

import (
	"bytes"
	_ "embed" // for the two files
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
	docsTemplate string
)

const openAPIPath = "/openapi.json"

// document is the part of an OpenAPI document that the page shows.
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

// Name returns the last part of the reference.
func (s schema) Name() string {
	if s.Ref == "" {
		return ""
	}
	return path.Base(s.Ref)
}

// addDocs adds the routes of the documentation: the OpenAPI document for programs,
// and a page for people, generated from that document.
//
// The page is our own template and not Swagger UI or Redoc, which are a megabyte or
// more of JavaScript and have a purpose that this API cannot serve: browsers send no
// body with GET, so the page could not call /status and /getLogs. The page loads
// nothing from the network.
func (s *Server) addDocs() error {
	docsPath := s.options.APIDocsPath
	if docsPath == "" {
		return nil
	}
	if _, taken := s.routes[docsPath]; taken || docsPath == openAPIPath || !strings.HasPrefix(docsPath, "/") {
		return fmt.Errorf("%q cannot be the path of the documentation: the path must begin with a slash, and the API must not use it", docsPath)
	}
	spec, page, err := renderDocs(s.options)
	if err != nil {
		return err
	}
	s.routes[openAPIPath] = static("application/json", spec)
	s.routes[docsPath] = static("text/html; charset=utf-8", page)
	return nil
}

func static(contentType string, content []byte) route {
	return route{
		methods: []string{http.MethodGet, http.MethodHead},
		serve: func(w http.ResponseWriter, _ *http.Request, _ *requestInfo) error {
			return write(w, http.StatusOK, contentType, content)
		},
	}
}

// renderDocs inserts the options into the document and renders the page.
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
	}).Parse(docsTemplate)
	if err != nil {
		return nil, nil, err
	}
	var out bytes.Buffer
	if err := layout.Execute(&out, shown); err != nil {
		return nil, nil, err
	}
	return spec, out.Bytes(), nil
}
