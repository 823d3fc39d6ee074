package report

import "testing"

func TestScenarioTime(t *testing.T) {
	for seconds, want := range map[float64]string{
		-1: "0s", 0: "0s", 0.04: "0s", 0.05: "0.1s", 0.5: "0.5s", 12: "12s", 12.34: "12.3s", 59.94: "59.9s", 59.96: "1m",
		65: "1m5s", 65.6: "1m6s", 300: "5m", 600: "10m", 3600: "1h", 3660: "1h1m", 3601: "1h0m1s", 36000: "10h", 1e300: "277777h46m40s",
	} {
		if got := scenarioTime(seconds); got != want {
			t.Errorf("scenarioTime(%v) is %s, want %s", seconds, got, want)
		}
	}
}

func TestTruncate(t *testing.T) {
	for _, c := range []struct {
		line  string
		width int
		want  string
	}{
		{"", 0, ""}, {"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"éèê", 2, "é…"}, {"名前", 4, "名前"}, {"名前", 3, "名…"}, {"名前", 2, "…"}, {"a", 0, "…"},
	} {
		if got := truncate(c.line, c.width); got != c.want {
			t.Errorf("truncate(%q, %d) is %q, want %q", c.line, c.width, got, c.want)
		}
	}
}
