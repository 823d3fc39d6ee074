package judge

import (
	"strings"
	"testing"
)

func TestCompareVirtualNode(t *testing.T) {
	expected := map[string][]string{"cpu": {"8", "8"}, "example.com/gpu": {"4", "0"}}
	for _, test := range []struct {
		name string
		seen []map[string]string
		want string
	}{
		{"as expected", []map[string]string{{"cpu": "8000m", "example.com/gpu": "4"}, {"cpu": "8", "example.com/gpu": "0"}}, ""},
		{"it keeps the GPUs", []map[string]string{{"cpu": "8", "example.com/gpu": "4"}, {"cpu": "8", "example.com/gpu": "4"}},
			"PING-12: after change 1 of the remote cluster, the virtual node shows 4 example.com/gpu, expected 0"},
		{"it shows none", []map[string]string{{"cpu": "8"}, {"cpu": "8", "example.com/gpu": "0"}},
			"PING-11: after change 0 of the remote cluster, the virtual node shows no example.com/gpu, expected 4"},
		{"a change was not played", []map[string]string{{"cpu": "8", "example.com/gpu": "4"}},
			"PING-11: after change 1 of the remote cluster, the virtual node shows no cpu, expected 8\nPING-12: after change 1 of the remote cluster, the virtual node shows no example.com/gpu, expected 0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, d := range compareVirtualNode(expected, test.seen) {
				got = append(got, d.String())
			}
			if text := strings.Join(got, "\n"); text != test.want {
				t.Errorf("%s\nwant %s", text, test.want)
			}
		})
	}
}
