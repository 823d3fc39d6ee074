package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

// browserTab is the page in a real browser, whose reader has signed in.
type browserTab struct {
	t    *testing.T
	ctx  context.Context
	site *site

	mu       sync.Mutex
	messages []string // errors, console output and violations of the content security policy
	requests []string
}

// open opens the page of a source and signs in.
func open(t *testing.T, source Source) *browserTab {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		testkit.Skip(t, "no browser is installed; install one: apt-get install chromium")
	}
	p := &browserTab{t: t, site: serve(t, source)}
	ctx, stop := chromedp.NewContext(t.Context(), chromedp.WithListener(p.listen),
		chromedp.WithAllocatorOptions(chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Headless))
	t.Cleanup(stop)
	// The browser ends with the context of the first call, which therefore has no deadline.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start browser: %v", err)
	}
	limited, cancel := context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(cancel)
	p.ctx = limited
	p.size(1280, 900)
	p.visit("/")
	p.screenshot("sign-in")
	p.ask(`document.getElementById("token").value = "` + token + `"; document.querySelector(".login button").click(); true`)
	p.wait(`document.querySelectorAll("table.pods tbody tr").length > 0`)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.messages = nil // the answer 401 to a reader who was not signed in
	return p
}

// listen keeps what the page must not do.
func (p *browserTab) listen(event any) {
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

// checkQuiet checks that the page has written no error, and has asked no other host.
func (p *browserTab) checkQuiet() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.messages) > 0 {
		p.t.Errorf("the browser says %q", p.messages)
	}
	for _, address := range p.requests {
		if !strings.HasPrefix(address, p.site.server.URL+"/") {
			p.t.Errorf("the page loads %s", address)
		}
	}
	if len(p.requests) == 0 {
		p.t.Error("the test has seen no request")
	}
}

func (p *browserTab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

func (p *browserTab) size(width, height int64) {
	p.t.Helper()
	p.do(chromedp.EmulateViewport(width, height))
}

func (p *browserTab) visit(path string) {
	p.t.Helper()
	p.do(chromedp.Navigate(p.site.server.URL + path))
}

// ask evaluates JavaScript in the page.
func (p *browserTab) ask(script string) any {
	p.t.Helper()
	answer, err := chromedp.Run(p.ctx, chromedp.Evaluate[any](script))
	if err != nil {
		p.t.Fatalf("%s: %v", script, err)
	}
	return answer
}

// wait waits until a script returns true.
func (p *browserTab) wait(script string) {
	p.t.Helper()
	testkit.EventuallyNoError(p.ctx, p.t, testkit.Timeout, script, func(ctx context.Context) error {
		met, err := chromedp.Run(ctx, chromedp.Evaluate[bool](script))
		if err != nil || met {
			return err // an error while the page is loaded
		}
		address, _ := chromedp.Run(ctx, chromedp.Evaluate[string]("location.href"))
		return fmt.Errorf("the address is %s", address)
	})
}

// names returns the names of controls of the accessibility tree, by role, and the roles of those without.
func (p *browserTab) names() (names map[string][]string, without []string) {
	p.t.Helper()
	tree, err := chromedp.Call(p.ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		p.t.Fatal(err)
	}
	names = map[string][]string{}
	for _, node := range tree.Nodes {
		if node.Ignored || node.Role == nil {
			continue
		}
		var role, name string
		_ = json.Unmarshal(node.Role.Value, &role) // another type is no role of a control
		if node.Name != nil {
			_ = json.Unmarshal(node.Name.Value, &name)
		}
		switch role {
		case "link", "button", "searchbox", "textbox", "combobox", "table", "columnheader", "rowheader", "navigation", "progressbar":
			names[role] = append(names[role], name)
			if name == "" {
				without = append(without, role)
			}
		}
	}
	return names, without
}

// scheme sets the color scheme that the reader prefers, light or dark.
func (p *browserTab) scheme(scheme string) {
	p.t.Helper()
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}
	if _, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features}); err != nil {
		p.t.Fatal(err)
	}
}

// screenshot saves an image of the window in the folder ADMIN_SCREENSHOTS, if it is set.
func (p *browserTab) screenshot(name string) {
	p.t.Helper()
	folder := os.Getenv("ADMIN_SCREENSHOTS")
	if folder == "" {
		return
	}
	image, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "admin-"+name+".png"), image, 0o600); err != nil {
		p.t.Fatal(err)
	}
}
