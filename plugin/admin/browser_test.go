package admin

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/chromedp"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/browser"
)

// browserTab is the page in a real browser, whose reader has signed in.
type browserTab struct {
	*browser.Tab
	site *site
}

// open opens the page of a source and signs in.
func open(t *testing.T, source Source) *browserTab {
	t.Helper()
	p := &browserTab{browser.Open(t), serve(t, source)}
	p.Size(1280, 900)
	p.visit("/")
	p.screenshot("sign-in")
	p.ask(`document.getElementById("token").value = "` + token + `"; document.querySelector(".login button").click(); true`)
	p.Wait(`document.querySelectorAll("table.pods tbody tr").length > 0`)
	p.ForgetMessages() // the answer 401 to a reader who was not signed in
	return p
}

// checkQuiet checks that the page has written no error, and has asked no other host.
func (p *browserTab) checkQuiet() {
	p.T.Helper()
	if messages := p.Messages(); len(messages) > 0 {
		p.T.Errorf("the browser says %q", messages)
	}
	requests := p.Requests()
	for _, address := range requests {
		if !strings.HasPrefix(address, p.site.server.URL+"/") {
			p.T.Errorf("the page loads %s", address)
		}
	}
	if len(requests) == 0 {
		p.T.Error("the test has seen no request")
	}
}

func (p *browserTab) visit(path string) {
	p.T.Helper()
	p.Do(chromedp.Navigate(p.site.server.URL + path))
}

// ask evaluates JavaScript in the page.
func (p *browserTab) ask(script string) any {
	p.T.Helper()
	return browser.Ask[any](p.Tab, script)
}

// screenshot saves an image of the window in the folder ADMIN_SCREENSHOTS, if it is set.
func (p *browserTab) screenshot(name string) {
	p.T.Helper()
	p.Screenshot("ADMIN_SCREENSHOTS", "admin-"+name, false)
}

// names returns the names of controls of the accessibility tree, by role, and the roles of those without.
func (p *browserTab) names() (names map[string][]string, without []string) {
	p.T.Helper()
	tree, err := chromedp.Call(p.Ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		p.T.Fatal(err)
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
