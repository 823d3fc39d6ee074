package report

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"github.com/interlink-hq/interlink-kubernetes-plugin/docs"
)

// checkClean checks that the page loaded nothing else and reported no error.
func (p *tab) checkClean() {
	p.T.Helper()
	if messages := p.Messages(); len(messages) > 0 {
		p.T.Errorf("the browser reports %q", messages)
	}
	if requests := slices.Compact(p.Requests()); len(requests) != 1 || requests[0] != p.url {
		p.T.Errorf("the page loads %q, want only itself", requests)
	}
}

// openAll opens all scenarios, and lets the browser lay out those out of view too.
func (p *tab) openAll() {
	p.T.Helper()
	ask[int](p, `document.querySelectorAll("details").forEach(d => { d.open = true; d.style.contentVisibility = "visible" }), 0`)
}

func TestPageLayoutAtAnyWidth(t *testing.T) {
	p := open(t, sample())
	p.openAll()
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{400, 800, 1280} {
			p.Scheme(scheme)
			p.Size(width, 900)
			p.screenshot(fmt.Sprint(scheme, " ", width))
			if problems := ask[[]string](p, layout); len(problems) > 0 {
				t.Errorf("%s at %d: %s", scheme, width, strings.Join(problems, "\n"))
			}
			if problems := ask[[]string](p, contrast); len(problems) > 0 {
				t.Errorf("%s at %d: %s", scheme, width, strings.Join(problems, "\n"))
			}
		}
	}
	p.checkClean()
}

// layout is a script that returns elements outside the page or on top of others. A
// difference of half a pixel is rounding.
const layout = `(() => {
  const problems = [], near = .5, root = document.documentElement;
  if (root.scrollWidth > innerWidth) problems.push("the page is " + root.scrollWidth + " pixels wide");
  for (const e of document.querySelectorAll(".scenario *, header *, nav *, .legend *")) {
    const r = e.getBoundingClientRect();
    if (r.width && (r.right > innerWidth + near || r.left < -near)) problems.push("outside the page: " + e.outerHTML.slice(0, 99));
  }
  const tracks = [...document.querySelectorAll(".track")];
  if (!tracks.some(t => t.querySelectorAll(".bar").length > 5)) problems.push("there are no bars to check");
  for (const track of tracks) {
    const t = track.getBoundingClientRect();
    let last = t.left;
    for (const bar of track.querySelectorAll(".bar")) {
      const b = bar.getBoundingClientRect();
      if (b.left < t.left - near || b.right > t.right + near || b.top < t.top - near || b.bottom > t.bottom + near) problems.push("outside its track: " + bar.title);
      if (b.left < last - near) problems.push("on top of the previous bar: " + bar.title);
      if (b.width < 1) problems.push("too narrow to be visible: " + bar.title);
      last = b.right;
    }
  }
  for (const axis of document.querySelectorAll(".axis")) {
    let last = -Infinity;
    for (const tick of axis.querySelectorAll("span")) {
      const r = tick.getBoundingClientRect();
      if (r.width && r.left < last + 3) problems.push("on top of the previous tick: " + tick.textContent);
      if (r.width) last = r.right;
    }
  }
  return problems;
})()`

// contrast is a script that returns texts with less contrast than WCAG 2 asks for.
const contrast = `(() => {
  const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const over = (color, base) => { // the color when painted on top of base
    probe.fillStyle = "rgb(" + base + ")"; probe.fillRect(0, 0, 1, 1);
    probe.fillStyle = color; probe.fillRect(0, 0, 1, 1);
    return [...probe.getImageData(0, 0, 1, 1).data.slice(0, 3)];
  };
  const ground = e => over(getComputedStyle(e).backgroundColor, e.parentElement ? ground(e.parentElement) : [255, 255, 255]);
  const light = rgb => rgb.map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const problems = new Set();
  let seen = 0;
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const e = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !e.getClientRects().length || ["SCRIPT", "STYLE"].includes(e.tagName)) continue;
    const under = ground(e), [dark, bright] = [light(under), light(over(getComputedStyle(e).color, under))].sort((a, b) => a - b);
    const ratio = (bright + .05) / (dark + .05);
    seen += e.parentElement.matches(".bar");
    if (ratio < 4.5) problems.add(ratio.toFixed(2) + " " + e.tagName + "." + e.className + " in " + e.parentElement.className + ": " + e.textContent.slice(0, 40));
  }
  if (!seen) problems.add("no bar has a text");
  return [...problems];
})()`

func TestFailedScenarioIsOpen(t *testing.T) {
	p := open(t, sample())
	open := ask[[]string](p, `[...document.querySelectorAll(".scenario[open]")].map(s => s.id)`)
	if diff := cmp.Diff([]string{"scenario-crash-loop"}, open); diff != "" {
		t.Error(diff)
	}
	// The first look shows the causes. The browser lays out a page with the first frame, so
	// wait for it.
	p.Wait(`(() => {
	  const cause = document.querySelector(".causes li .what"), r = cause.getBoundingClientRect();
	  return r.bottom <= innerHeight && document.elementFromPoint(r.left + 20, r.top + r.height / 2).closest(".what") === cause;
	})()`)
	p.screenshot("first look")
	p.checkClean()
}

// A cause leads to its scenarios, and a difference to the text of its rule.
func TestLinksOfCausesAndRules(t *testing.T) {
	p := open(t, sample())
	p.Do(chromedp.Click(chromedp.ID("toggle"))) // opens all
	p.Do(chromedp.Click(chromedp.ID("toggle"))) // closes all
	p.Do(chromedp.Click(chromedp.CSS(`.causes .behind a`)))
	p.Wait(`document.getElementById("scenario-crash-loop").open`)
	p.Do(chromedp.Click(chromedp.CSS(`[data-show="failed"]`)))
	p.shows("crash-loop")
	p.Do(chromedp.Click(chromedp.CSS(`.differences .rule`)))
	p.Wait(`(() => { const r = document.getElementById("rule-STATUS-37").getBoundingClientRect(); return r.top >= 0 && r.bottom <= innerHeight })()`)
	p.shows("crash-loop") // the filter stays
	text := ask[string](p, `document.querySelector("#rule-STATUS-37 dd").textContent`)
	if want := strings.ReplaceAll(docs.RuleText("STATUS-37"), "`", ""); want == "" || text != want {
		t.Errorf("the page shows %q, want %q", text, want)
	}
	if n := ask[int](p, `document.querySelectorAll(".rules dl > div").length`); n != 2 {
		t.Errorf("the page has %d rules, want the 2 that are cited", n)
	}
	p.checkClean()
}

func TestOpenScenarioShowsWhatExplainsIt(t *testing.T) {
	p := open(t, sample())
	seen := func(selector string) bool {
		return ask[bool](p, fmt.Sprintf(`(() => { const e = document.querySelector(%q); return e !== null && e.checkVisibility({ visibilityProperty: true }) })()`, selector))
	}
	for _, width := range []int64{1280, 400} {
		p.Size(width, 900)
		for _, selector := range []string{"#scenario-crash-loop summary .text", "#scenario-crash-loop .explained dd", "#scenario-crash-loop .follow-ons summary"} {
			if !seen(selector) {
				t.Errorf("%s is not visible at %d", selector, width)
			}
		}
		if seen("#scenario-crash-loop .follow-ons li") {
			t.Errorf("what follows from another difference is not folded at %d", width)
		}
	}
	ask[int](p, `document.getElementById("scenario-plain-pod").open = true, 0`)
	if text := ask[string](p, `document.querySelector("#scenario-plain-pod .not-judged-why").textContent`); !strings.Contains(text, "whether the containers ran") {
		t.Errorf("the page says %q", text)
	}
	p.checkClean()
}

func TestFilterAndSearch(t *testing.T) {
	p := open(t, sample())
	every := []string{"crash-loop", "no-time", "plain-pod", "refuse-hostpath", "without-pods"}
	passed := []string{"no-time", "without-pods"}
	check := func(hash string, want ...string) {
		t.Helper()
		p.Wait(fmt.Sprintf("location.hash === %q", hash))
		p.shows(want...)
	}
	click := func(show string) { p.Do(chromedp.Click(chromedp.CSS(`[data-show="` + show + `"]`))) }

	check("", every...)
	click("failed")
	check("#show=failed", "crash-loop")
	click("skipped")
	check("#show=skipped", "refuse-hostpath")
	click("not judged")
	check("#show=not+judged", "plain-pod")
	click("passed")
	check("#show=passed", passed...)
	p.Do(chromedp.SendKeys(chromedp.ID("search"), "POD ends"))
	check("#show=passed&q=POD+ends")
	click("all")
	check("#show=all&q=POD+ends", "plain-pod")
	ask[int](p, `document.getElementById("search").select(), 0`) // so that typing replaces it
	p.Do(chromedp.SendKeys(chromedp.ID("search"), "exit code 0"))
	check("#show=all&q=exit+code+0", "crash-loop") // in a difference
	p.Do(chromedp.SendKeys(chromedp.ID("search"), " nowhere"))
	check("#show=all&q=exit+code+0+nowhere")
	if !ask[bool](p, `document.getElementById("nothing").checkVisibility()`) {
		t.Error("the page does not say that no scenario matches")
	}
	p.checkClean()
}

func TestToggleOpensVisibleScenarios(t *testing.T) {
	p := open(t, sample())
	count := func() int { return ask[int](p, `document.querySelectorAll(".scenario[open]").length`) }
	p.Do(chromedp.Click(chromedp.ID("toggle")))
	if n := count(); n != 5 {
		t.Errorf("%d scenarios are open, want 5", n)
	}
	p.Do(chromedp.Click(chromedp.ID("toggle")))
	if n := count(); n != 0 {
		t.Errorf("%d scenarios are open, want 0", n)
	}
	p.checkClean()
}

func TestLinkOpensScenario(t *testing.T) {
	r := sample()
	r.Scenarios[2].Name = `strange "name" & <b>é</b> 100%`
	for i := range 60 { // so that the page must scroll
		r.Scenarios = slices.Insert(r.Scenarios, 1, Scenario{Name: fmt.Sprint("more-", i), Verdict: Passed})
	}
	p := open(t, r)
	link := ask[string](p, `document.querySelectorAll(".foot a")[62].href`)
	p.Do(chromedp.Navigate(p.url+"#show=failed"), chromedp.Navigate(link))
	p.Wait(`document.querySelectorAll(".scenario")[62].open`)
	const inView = `(() => { const r = document.querySelectorAll(".scenario > summary")[62].getBoundingClientRect(); return r.top >= 0 && r.bottom <= innerHeight })()`
	p.Wait(inView)
	if n := len(p.shown()); n != 65 {
		t.Errorf("%d scenarios are visible, want 65", n)
	}
	// This browser scrolls again by itself; others scroll before the scenario is visible.
	ask[int](p, `scrollTo(0, 0), 0`)
	p.Wait("scrollY === 0")
	ask[int](p, `dispatchEvent(new Event("hashchange")), 0`)
	p.Wait(inView)
	p.checkClean()
	p.Do(chromedp.Navigate("about:blank"), chromedp.Navigate(link))
	p.Wait(`document.querySelectorAll(".scenario")[62].open`)
}

// hostile is text that changes the page wherever it is not escaped.
const hostile = "</script></style></title>--><script>alert(1)</script><img src=x onerror=alert(2)>\" onclick=\"alert(3)' style='{{.}} ${x} javascript:alert(4) \u202eé\u2028\x00\x1b[31m\xff"

func hostileReport() *Report { return reportOf(hostile) }

// reportOf returns the sample with one text in place of every other.
func reportOf(text string) *Report {
	r := sample()
	r.Plugin, r.Remote, r.Version = text, text, text
	for i := range r.Scenarios {
		s := &r.Scenarios[i]
		s.Name, s.Description, s.File, s.Differences, s.Notes = fmt.Sprint(text, i), text, text, []Difference{{Rule: text, Text: text, Consequence: text, Right: text, FollowOns: []string{text}}}, []string{text}
		if s.Verdict == Skipped {
			s.Skipped = text
		}
		for j := range s.Steps {
			s.Steps[j].Text = text
		}
		for j := range s.Pods {
			s.Pods[j].Name = text
			for _, states := range [][]State{s.Pods[j].Local, s.Pods[j].Remote} {
				for k := range states {
					states[k].Reason = text
					for l := range states[k].Containers {
						c := &states[k].Containers[l]
						c.Name, c.Reason = text, text
					}
				}
			}
		}
	}
	return r
}

func TestHostileTextIsEscaped(t *testing.T) {
	count := `["script", "style", "img", "[onclick]", "[onerror]", "title"].map(q => document.querySelectorAll(q).length)`
	p := open(t, hostileReport())
	if diff := cmp.Diff([]int{1, 1, 0, 0, 0, 1}, ask[[]int](p, count)); diff != "" {
		t.Errorf("the text changed the page: %s", diff)
	}
	if text := ask[string](p, `document.querySelector(".differences li").textContent`); !strings.HasPrefix(text, `</script></style></title>--><script>alert(1)</script><img src=x onerror=alert(2)>" onclick="alert(3)' style='{{.}} ${x}`) {
		t.Errorf("a difference is shown as %q", text)
	}
	p.openAll()
	p.Do(chromedp.EmulateViewport(400, 900))
	p.screenshot("hostile")
	if problems := ask[[]string](p, layout); len(problems) > 0 {
		t.Error(strings.Join(problems, "\n"))
	}
	p.checkClean()
}
