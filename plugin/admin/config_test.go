package admin

import (
	"html"
	"regexp"
	"strings"
	"testing"
)

// The page of the configuration says which mistakes keep the last one out of use, and which options wait for a restart; a
// mistake that quotes HTML is text.
func TestNoticesOfTheConfiguration(t *testing.T) {
	const mistakes, restart = "The plugin runs with the one before.", "A restart of the plugin is needed for"
	tags := regexp.MustCompile(`<[^>]*>`)
	option := Setting{Section: "app", Key: "instance", Value: "site-a", Source: "file config.ini line 3", Help: "Name.", Changed: true}
	waiting := option
	waiting.Restart, waiting.Wanted = true, "site-b"
	emptied := option
	emptied.Key, emptied.Restart = "name", true
	for _, test := range []struct {
		name          string
		settings      Settings
		want, without []string
	}{
		{"in use", Settings{File: "/etc/config.ini", Options: []Setting{option}}, []string{"site-a"}, []string{mistakes, restart, "after a restart"}},
		{"mistakes", Settings{Options: []Setting{option}, Failures: []string{"[app] maintenance: <b>maybe</b>", "[log] level: LOUD"}},
			[]string{mistakes, "[app] maintenance: <b>maybe</b>", "[log] level: LOUD"}, []string{restart}},
		{"a restart", Settings{Options: []Setting{waiting, emptied}}, []string{restart + " [app] instance, [app] name.", "after a restart: site-b", "after a restart: empty"}, []string{mistakes}},
	} {
		s := serve(t, &fakeSource{settings: test.settings})
		s.signIn(token)
		body := s.get("/config").body
		text := html.UnescapeString(tags.ReplaceAllString(body, ""))
		for _, want := range test.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: the page lacks %q:\n%s", test.name, want, text)
			}
		}
		for _, other := range test.without {
			if strings.Contains(text, other) {
				t.Errorf("%s: the page has %q", test.name, other)
			}
		}
		if strings.Contains(body, "<b>maybe") {
			t.Errorf("%s: a mistake is HTML", test.name)
		}
	}
}
