package plugin

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestVersionNotices(t *testing.T) {
	for _, test := range []struct {
		server string
		want   []string // how the notices begin
	}{
		{"v1.37.2", nil},
		{"v1.35.0", nil},
		{"v1.35.0-rc.1", nil},
		{"v1.34.4", []string{"version: volumes from images", "version: variables from files"}},
		{"v1.33.1+k3s1", []string{"version: volumes from images", "version: variables from files"}},
		{"v1.28.15-gke.1000", []string{"version: volumes from images", "version: variables from files", "version: native sidecars"}},
		{"v1.26.3-eks-a5565ad", []string{"version: volumes from images", "version: variables from files", "version: native sidecars", "version: scheduling gates"}},
		{"v2.0.0", nil},
		{"", []string{"version:  is not the version"}},
		{"newest", []string{"version: newest is not the version"}},
	} {
		var got []string
		for i, notice := range versionNotices(test.server) {
			if i < len(test.want) && strings.HasPrefix(notice, test.want[i]) {
				notice = test.want[i]
			}
			got = append(got, notice)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%q: %s", test.server, diff)
		}
	}
}
