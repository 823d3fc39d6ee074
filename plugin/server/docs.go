package server

import (
	"bytes"
	_ "embed" // for the three files
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"strings"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

var (
	//go:embed openapi.json
	openAPI []byte
	//go:embed docs.html
	docsTemplate string
	//go:embed docs.css
	docsStyle []byte
)

const (
	openAPIPath   = "/openapi.json"
	docsStylePath = "/docs.css"
)

// Doc is a file of the documentation.
type Doc struct {
	ContentType string
	Content     []byte
}

// Docs returns the files of the documentation by their paths, with the page at path. The page has no inline style and
// no script.
func Docs(app config.App, path string) (map[string]Doc, error) {
	spec, page, err := renderDocs(app)
	if err != nil {
		return nil, fmt.Errorf("docs: %w", err)
	}
	return map[string]Doc{
		path:          {"text/html; charset=utf-8", page},
		openAPIPath:   {"application/json", spec},
		docsStylePath: {"text/css; charset=utf-8", docsStyle},
	}, nil
}

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
	if _, taken := s.routes[docsPath]; taken || docsPath == openAPIPath || docsPath == docsStylePath || !strings.HasPrefix(docsPath, "/") {
		return fmt.Errorf("%q cannot be the path of the documentation: the path must begin with a slash, and the API must not use it", docsPath)
	}
	docs, err := Docs(s.options.App, docsPath)
	if err != nil {
		return err
	}
	for path, doc := range docs {
		s.routes[path] = static(doc.ContentType, doc.Content)
	}
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
func renderDocs(options config.App) (spec, page []byte, err error) {
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
