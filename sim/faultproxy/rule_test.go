package faultproxy_test

import (
	"strings"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/faultproxy"
)

func TestParseRule(t *testing.T) {
	for text, want := range map[string]string{
		"POST pods #2: 503":                  "POST pods #2: 503",
		"  post   pods   #2-4 :  stall ":     "POST pods #2-4: stall",
		"DELETE pods: 500":                   "DELETE pods: 500",
		"GET pods/log in demo #3-: html-200": "GET pods/log in demo #3-: html-200",
		"* * #1-: 429":                       "* *: 429",
	} {
		rule, err := faultproxy.ParseRule(text)
		if err != nil || rule.String() != want {
			t.Errorf("ParseRule(%q) = %q, %v, want %q", text, rule, err, want)
		}
	}
	for text, want := range map[string]string{
		"":                    "does not have the form",
		"pods: 503":           "does not have the form",
		"POST pods #x: 503":   "does not have the form",
		"POST pods #0: 503":   "0 is not the number of a call",
		"POST pods #3-2: 503": "2 comes before 3",
		"CREATE pods: 503":    "there is no verb CREATE; the verbs are *, GET",
		"POST pods: 599":      `there is no fault "599"; the faults are 401`,
		"POST pods in: 503":   "does not have the form",
		"POST pods #1: 503 x": "does not have the form",
	} {
		if rule, err := faultproxy.ParseRule(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseRule(%q) = %q, %v, want an error with %q", text, rule, err, want)
		}
	}
}
