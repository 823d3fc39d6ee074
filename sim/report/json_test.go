package report

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestJSONCanBeReadBack(t *testing.T) {
	writeAndRead := func(r *Report) *Report {
		var out bytes.Buffer
		if err := r.JSON(&out); err != nil {
			t.Fatal(err)
		}
		got := &Report{}
		if err := json.Unmarshal(out.Bytes(), got); err != nil {
			t.Fatal(err)
		}
		return got
	}
	for name, r := range map[string]*Report{
		"sample":  sample(),
		"empty":   {Scenarios: []Scenario{}},
		"hostile": writeAndRead(hostileReport()), // read once, so that it is valid UTF-8
	} {
		if diff := cmp.Diff(r, writeAndRead(r)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestJSONIsIndented(t *testing.T) {
	var out bytes.Buffer
	if err := (&Report{Plugin: "<this> & that"}).JSON(&out); err != nil {
		t.Fatal(err)
	}
	const want = `{
  "schemaVersion": 1,
  "succeeded": false,
  "problems": [
    "No scenario was judged."
  ],
  "summary": {
    "passed": 0,
    "failed": 0,
    "notJudged": 0,
    "skipped": 0,
    "expectedFailures": 0,
    "unexpectedPasses": 0
  },
  "plugin": "<this> & that",
  "remote": "",
  "started": "0001-01-01T00:00:00Z",
  "tookSeconds": 0,
  "scenarios": []
}
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}
