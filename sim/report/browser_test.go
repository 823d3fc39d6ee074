package report

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/browser"
)

// tab is a page in a real browser.
type tab struct {
	*browser.Tab
	url string
}

// open opens the page of a report.
func open(t *testing.T, r *Report) *tab {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.html")
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.HTML(out); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	p := &tab{browser.Open(t), (&url.URL{Scheme: "file", Path: file}).String()}
	p.Describe = visible
	p.Size(1000, 800)
	p.Do(chromedp.Navigate(p.url))
	return p
}

// ask evaluates JavaScript in the page.
func ask[T any](p *tab, script string) T {
	p.T.Helper()
	return browser.Ask[T](p.Tab, script)
}

// visible is a script that returns the names of the visible scenarios.
const visible = `[...document.querySelectorAll(".scenario")].filter(s => s.checkVisibility()).map(s => s.querySelector(".name").textContent)`

func (p *tab) shown() []string {
	p.T.Helper()
	return ask[[]string](p, visible)
}

// shows waits until exactly these scenarios are visible.
func (p *tab) shows(names ...string) {
	p.T.Helper()
	want, err := json.Marshal(append([]string{}, names...))
	if err != nil {
		p.T.Fatal(err)
	}
	p.Wait(fmt.Sprintf("JSON.stringify(%s) === JSON.stringify(%s)", visible, want))
}

// screenshot saves an image of the page in the folder REPORT_SCREENSHOTS, if it is set.
func (p *tab) screenshot(name string) {
	p.T.Helper()
	p.Screenshot("REPORT_SCREENSHOTS", "report-"+strings.ReplaceAll(name, " ", "-"), true)
}
