package report

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// tab is a page in a real browser, and all that it did beside being shown.
type tab struct {
	t   *testing.T
	ctx context.Context
	url string

	mu         sync.Mutex
	complaints []string
	requests   []string
}

// open shows a report's page.
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
	p := &tab{t: t, url: (&url.URL{Scheme: "file", Path: file}).String()}
	ctx, stop := chromedp.NewContext(t.Context(), chromedp.WithListener(p.listen),
		chromedp.WithAllocatorOptions(chromedp.ExecPath(browser(t)), chromedp.NoSandbox, chromedp.Headless))
	t.Cleanup(stop)
	// The browser lives as long as the context of the first call, so that one gets no deadline.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start browser: %v", err)
	}
	limited, cancel := context.WithTimeout(ctx, time.Minute)
	t.Cleanup(cancel)
	p.ctx = limited
	p.do(chromedp.EmulateViewport(1000, 800), chromedp.Navigate(p.url))
	return p
}

// browser finds one, which a CI run must have.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const words = "no browser to look at the page with; install one, as in: apt-get install chromium"
	if os.Getenv("CI") != "" {
		t.Fatal(words)
	}
	t.Skip(words)
	return ""
}

// listen notes what a page like this one must not do.
func (p *tab) listen(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		p.complaints = append(p.complaints, "console: "+string(e.Type))
	case *runtime.EventExceptionThrown:
		p.complaints = append(p.complaints, "exception: "+e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		p.complaints = append(p.complaints, "log: "+e.Entry.Text)
	case *network.EventRequestWillBeSent:
		p.requests = append(p.requests, e.Request.URL)
	}
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// ask evaluates JavaScript in the page.
func ask[T any](p *tab, script string) T {
	p.t.Helper()
	answer, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](script))
	if err != nil {
		p.t.Fatalf("%s: %v", script, err)
	}
	return answer
}

// wait until the page says so: what follows a change of the hash comes later.
func (p *tab) wait(script string) {
	p.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		// An error is that the page is just being loaded.
		if met, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool](script)); err == nil && met {
			return
		}
	}
	p.t.Fatalf("waited for %s; the address is %s, shown are %q", script, ask[string](p, "location.href"), p.shown())
}

// visible are the names of the scenarios that a reader sees.
const visible = `[...document.querySelectorAll(".scenario")].filter(s => s.checkVisibility()).map(s => s.querySelector(".name").textContent)`

func (p *tab) shown() []string {
	p.t.Helper()
	return ask[[]string](p, visible)
}

// shows waits until these scenarios and no others are seen.
func (p *tab) shows(names ...string) {
	p.t.Helper()
	want, err := json.Marshal(append([]string{}, names...))
	if err != nil {
		p.t.Fatal(err)
	}
	p.wait(fmt.Sprintf("JSON.stringify(%s) === JSON.stringify(%s)", visible, want))
}

// scheme sets what the reader prefers, light or dark.
func (p *tab) scheme(scheme string) {
	p.t.Helper()
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}
	if _, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features}); err != nil {
		p.t.Fatal(err)
	}
}

// screenshot is kept where the environment says, for people to look at.
func (p *tab) screenshot(name string) {
	p.t.Helper()
	folder := os.Getenv("REPORT_SCREENSHOTS")
	if folder == "" {
		return
	}
	image, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "report-"+strings.ReplaceAll(name, " ", "-")+".png"), image, 0o600); err != nil {
		p.t.Fatal(err)
	}
}
