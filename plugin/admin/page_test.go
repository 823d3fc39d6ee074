package admin

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
)

// liveSource is a Source to which pods are added.
type liveSource struct {
	*fakeSource
	mu    sync.Mutex
	added []Pod
}

func (s *liveSource) Pods(ctx context.Context) []Pod {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append(s.fakeSource.Pods(ctx), s.added...)
}

func (s *liveSource) add(pod Pod) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.added = append(s.added, pod)
}

const (
	foundText = `document.getElementById("found").textContent`
	rowNames  = `[...document.querySelectorAll("table.pods tbody th a")].map(a => a.textContent)`
)

// A reader pages, sorts and searches the table of 5,000 pods, and sees news without a reload.
func TestPageInABrowser(t *testing.T) {
	source := &liveSource{fakeSource: sampleSource(5000)}
	p := open(t, source)
	p.Wait(foundText + ` === "5,000 pods"`)
	p.screenshot("pods")
	const cut = `[...document.querySelectorAll("table.pods tbody th *")].filter(e => e.scrollWidth > e.clientWidth && getComputedStyle(e).overflowX !== "visible" && !e.classList.contains("out")).length`
	if found := p.ask(cut); found != 0.0 {
		t.Errorf("%v names of pods are cut", found)
	}

	p.ask(`document.getElementById("sort-name").click()`)
	p.Wait(`document.querySelector("th.name").getAttribute("aria-sort") === "ascending"`)
	p.Wait(`(names => names.length === 50 && JSON.stringify(names) === JSON.stringify([...names].sort()))(` + rowNames + `)`)
	p.ask(`document.getElementById("next").click()`)
	p.Wait(`document.querySelector(".position").textContent === "51–100 of 5,000" && new URL(location).searchParams.get("page") === "2"`)

	p.ask(`const q = document.getElementById("q"); q.focus(); q.value = "train-resnet-00"; q.dispatchEvent(new Event("input", {bubbles: true}))`)
	p.Wait(`new URL(location).searchParams.get("q") === "train-resnet-00" && ` + rowNames + `.every(n => n.startsWith("train-resnet-00"))`)
	p.Wait(foundText + ` === "200 of 5,000 pods" && document.activeElement.id === "q"`) // every fifth of a thousand

	p.ask(`document.getElementById("pause").click()`)
	p.Wait(`document.getElementById("pause").getAttribute("aria-pressed") === "true"`)
	source.add(Pod{Namespace: "bio", Name: "train-resnet-00-new", RemoteNamespace: "offloading-bio", RemoteName: "new", Phase: "Running", Created: now})
	p.ask(`document.getElementById("pause").click()`)
	p.Wait(foundText + ` === "201 of 5,001 pods"`)
	source.add(Pod{Namespace: "bio", Name: "train-resnet-00-newer", RemoteNamespace: "offloading-bio", RemoteName: "newer", Phase: "Running", Created: now})
	p.Wait(foundText + ` === "202 of 5,002 pods"`) // by itself
	p.checkQuiet()
}

// Each page fits a narrow screen, has a dark variant, and names all of its controls for screen readers.
func TestPagesAreForEveryReader(t *testing.T) {
	source := sampleSource(5000)
	p := open(t, source)
	pod := source.pods[9]
	for name, path := range map[string]string{"pods-stuck": "/?phase=stuck", "pod": linkOf(pod), "orphans": "/orphans", "configuration": "/config?all=1"} {
		p.Scheme("light")
		p.Size(1280, 900)
		p.visit(path)
		p.screenshot(name)
		light := p.ask(`getComputedStyle(document.documentElement).backgroundColor + getComputedStyle(document.body).backgroundColor`)
		names, without := p.names()
		if len(without) > 0 {
			t.Errorf("%s: controls without a name: %v", path, without)
		}
		if !slices.Contains(names["link"], "Skip to the content") || !slices.Contains(names["button"], "Sign out") {
			t.Errorf("%s: links %q, buttons %q", path, names["link"], names["button"])
		}
		if name == "pods-stuck" && (len(names["table"]) != 1 || len(names["columnheader"]) != len(columns) || len(names["searchbox"]) != 1 || len(names["combobox"]) != 2) {
			t.Errorf("the table and its form have the names %q", names)
		}
		p.Scheme("dark")
		p.screenshot(name + "-dark")
		if dark := p.ask(`getComputedStyle(document.documentElement).backgroundColor + getComputedStyle(document.body).backgroundColor`); dark == light {
			t.Errorf("%s: the background is %v, also for readers who prefer dark", path, dark)
		}
		p.Size(360, 800)
		p.screenshot(name + "-narrow")
		if width, ok := p.ask(`document.documentElement.scrollWidth`).(float64); !ok || width > 360 {
			t.Errorf("%s: the page is %v pixels wide on a screen of 360", path, width)
		}
	}
	p.checkQuiet()
}

// What users write is shown as text: no markup of theirs becomes part of the page.
func TestHostileNamesAreText(t *testing.T) {
	const hostile = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`
	source := sampleSource(5)
	source.pods[0] = Pod{
		Namespace: "bio", Name: "a" + hostile, RemoteNamespace: "offloading-bio", RemoteName: "b" + hostile, Phase: "Pending" + hostile,
		Reason: hostile, Message: hostile, Node: hostile, VirtualNode: hostile, Created: now,
	}
	source.overview.CapacityNote, source.overview.Tiles[0].Value = hostile, hostile
	p := open(t, source)
	if got, ok := p.ask(`document.body.textContent`).(string); !ok || strings.Count(got, hostile) < 6 {
		t.Errorf("the page does not show the text: %v", got)
	}
	if got := p.ask(`document.querySelectorAll("main img, main script").length + document.title`); got != "0Pods · interlink-kubernetes-plugin" {
		t.Errorf("the page has images or scripts of others, and its title: %v", got)
	}
	p.checkQuiet()
}
