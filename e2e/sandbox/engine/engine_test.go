package engine

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBoundingSetHas(t *testing.T) {
	for status, want := range map[string]bool{
		"Name:\tx\nCapPrm:\t0000000000000000\nCapBnd:\t000001ffffffffff\n": true,
		"Name:\tx\nCapPrm:\t000001ffffffffff\nCapBnd:\t000001fffeffffff\n": false,
	} {
		if got, err := boundingSetHas(status, sysResource); got != want || err != nil {
			t.Errorf("boundingSetHas(%q) returns %v, %v", status, got, err)
		}
	}
	for _, status := range []string{"", "CapBnd:\tmany\n"} {
		if _, err := boundingSetHas(status, sysResource); err == nil {
			t.Errorf("boundingSetHas accepts %q", status)
		}
	}
}

func TestRestoreCommands(t *testing.T) {
	before := `-P INPUT ACCEPT
-P FORWARD ACCEPT
-N DOCKER-USER
-N KUBE-FORWARD
-A FORWARD -j KUBE-FORWARD
-A DOCKER-USER -s 192.0.2.1/32 -j DROP
`
	after := `-P INPUT ACCEPT
-P FORWARD DROP
-N DOCKER
-N DOCKER-USER
-N KUBE-FORWARD
-A FORWARD -j DOCKER-USER
-A FORWARD -j KUBE-FORWARD
-A DOCKER-USER -s 192.0.2.1/32 -j DROP
-A DOCKER-USER -j RETURN
`
	want := [][]string{
		{"-P", "FORWARD", "ACCEPT"},
		{"-D", "FORWARD", "-j", "DOCKER-USER"},
		{"-D", "DOCKER-USER", "-j", "RETURN"},
		{"-X", "DOCKER"},
	}
	if diff := cmp.Diff(want, restoreCommands(before, after)); diff != "" {
		t.Error(diff)
	}
	if got := restoreCommands(before, before); len(got) > 0 {
		t.Errorf("unchanged rules need the commands %v", got)
	}
}
