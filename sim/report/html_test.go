package report

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPageEscapesText(t *testing.T) {
	var harmless, hostile bytes.Buffer
	if err := reportOf("harmless").HTML(&harmless); err != nil {
		t.Fatal(err)
	}
	if err := hostileReport().HTML(&hostile); err != nil {
		t.Fatal(err)
	}
	// The texts do not change the tags of the page.
	tags := func(page string) []string { return regexp.MustCompile(`</?[a-zA-Z0-9]+`).FindAllString(page, -1) }
	if diff := cmp.Diff(tags(harmless.String()), tags(hostile.String())); diff != "" {
		t.Error(diff)
	}
	for _, forbidden := range []string{"alert(1)</script>", "ZgotmplZ", "\x00", "\x1b[31m<"} {
		if strings.Contains(hostile.String(), forbidden) {
			t.Errorf("the page contains %q", forbidden)
		}
	}
	if n := strings.Count(hostile.String(), "&lt;/script&gt;"); n < 50 {
		t.Errorf("the text is shown %d times, want at least 50", n)
	}
}

func TestPageLoadsNothing(t *testing.T) {
	var page bytes.Buffer
	if err := sample().HTML(&page); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(page.String(), `content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"`) {
		t.Error("the page has no content security policy")
	}
	if found := regexp.MustCompile(`(src|srcset|action)=|@import|url\(|https?:|<link`).FindString(page.String()); found != "" {
		t.Errorf("the page loads something: %s", found)
	}
}

func TestPageWithoutScenarios(t *testing.T) {
	var page bytes.Buffer
	if err := (&Report{}).HTML(&page); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(page.String(), `<p id="nothing">`) {
		t.Error("the page does not say that there is no scenario")
	}
}
