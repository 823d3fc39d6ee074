package report

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPageEscapesHostileText(t *testing.T) {
	var plain, strange bytes.Buffer
	if err := reportOf("harmless").HTML(&plain); err != nil {
		t.Fatal(err)
	}
	if err := hostileReport().HTML(&strange); err != nil {
		t.Fatal(err)
	}
	// Whatever the words are, the page is made of the same tags.
	tags := func(page string) []string { return regexp.MustCompile(`</?[a-zA-Z0-9]+`).FindAllString(page, -1) }
	if diff := cmp.Diff(tags(plain.String()), tags(strange.String())); diff != "" {
		t.Error(diff)
	}
	for _, never := range []string{"alert(1)</script>", "ZgotmplZ", "\x00", "\x1b[31m<"} {
		if strings.Contains(strange.String(), never) {
			t.Errorf("the page contains %q", never)
		}
	}
	if n := strings.Count(strange.String(), "&lt;/script&gt;"); n < 50 {
		t.Errorf("the words are shown only %d times", n)
	}
}

func TestPageLoadsNothing(t *testing.T) {
	var page bytes.Buffer
	if err := sample().HTML(&page); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(page.String(), `content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"`) {
		t.Error("there is no content security policy")
	}
	if found := regexp.MustCompile(`(src|srcset|action)=|@import|url\(|https?:|<link`).FindString(page.String()); found != "" {
		t.Errorf("the page has %s", found)
	}
}

func TestPageOfNothing(t *testing.T) {
	var page bytes.Buffer
	if err := (&Report{}).HTML(&page); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(page.String(), `<p id="nothing">`) {
		t.Error("the page does not say that there is nothing")
	}
}
