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

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

// tab is a page in a real browser.
type tab struct {
	t   *testing.T
	ctx context.Context
	url string

	mu       sync.Mutex
	messages []string // errors and console output
	requests []string
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
	p := &tab{t: t, url: (&url.URL{Scheme: "file", Path: file}).String()}
	ctx, stop := chromedp.NewContext(t.Context(), chromedp.WithListener(p.listen),
		chromedp.WithAllocatorOptions(chromedp.ExecPath(browser(t)), chromedp.NoSandbox, chromedp.Headless))
	t.Cleanup(stop)
	// The browser ends with the context of the first call, which therefore has no deadline.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start browser: %v", err)
	}
	limited, cancel := context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(cancel)
	p.ctx = limited
	p.do(chromedp.EmulateViewport(1000, 800), chromedp.Navigate(p.url))
	return p
}

// browser returns the path of a browser, or skips the test.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	testkit.Skip(t, "no browser is installed; install one: apt-get install chromium")
	return ""
}

// listen keeps what the page must not do.
func (p *tab) listen(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		p.messages = append(p.messages, "console: "+string(e.Type))
	case *runtime.EventExceptionThrown:
		p.messages = append(p.messages, "exception: "+e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		p.messages = append(p.messages, "log: "+e.Entry.Text)
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

// wait waits until a script returns true: the page handles a change of the hash with a
// delay.
func (p *tab) wait(script string) {
	p.t.Helper()
	testkit.EventuallyNoError(p.ctx, p.t, testkit.Timeout, script, func(ctx context.Context) error {
		met, err := chromedp.Run(ctx, chromedp.Evaluate[bool](script))
		if err != nil || met {
			return err // an error while the page is loaded
		}
		address, _ := chromedp.Run(ctx, chromedp.Evaluate[string]("location.href"))
		names, _ := chromedp.Run(ctx, chromedp.Evaluate[[]string](visible))
		return fmt.Errorf("the address is %s, the page shows %q", address, names)
	})
}

// visible is a script that returns the names of the visible scenarios.
const visible = `[...document.querySelectorAll(".scenario")].filter(s => s.checkVisibility()).map(s => s.querySelector(".name").textContent)`

func (p *tab) shown() []string {
	p.t.Helper()
	return ask[[]string](p, visible)
}

// shows waits until exactly these scenarios are visible.
func (p *tab) shows(names ...string) {
	p.t.Helper()
	want, err := json.Marshal(append([]string{}, names...))
	if err != nil {
		p.t.Fatal(err)
	}
	p.wait(fmt.Sprintf("JSON.stringify(%s) === JSON.stringify(%s)", visible, want))
}

// scheme sets the color scheme that the user prefers, light or dark.
func (p *tab) scheme(scheme string) {
	p.t.Helper()
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}
	if _, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features}); err != nil {
		p.t.Fatal(err)
	}
}

// screenshot saves an image of the page in the folder REPORT_SCREENSHOTS, if it is set.
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
