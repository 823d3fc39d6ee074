package orphans_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// A pod that cannot be marked is in the log, with its name and the failure.
func TestPodThatCannotBeMarked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 14)
		w.add("vk", "live", 1, true)
		w.add("vk", "lost", 1, false)
		w.markFails = errdefs.New(errdefs.Refused, "no right to patch pods")
		p := w.start("0")
		w.run(grace+10*time.Minute, only(p), nil)
		p.end()
		if log := p.log.String(); !strings.Contains(log, "cannot mark a pod") || !strings.Contains(log, "offloading/lost-0") || !strings.Contains(log, "no right to patch pods") {
			t.Errorf("the log is:\n%s", log)
		}
	})
}

// What a list had before it failed is no finding; those of other lists stay.
func TestListThatFailsHasNoFindings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 15)
		w.addObject("secrets", "secret", nil)
		w.addObject("persistentvolumeclaims", "claim", deleteWithLastPod)
		p := w.start("0")
		defer p.end()
		time.Sleep(2 * grace)
		synctest.Wait() // a look that begins now reads it
		w.listFails = map[string]error{"secrets": errdefs.New(errdefs.Refused, "no right to list secrets")}
		findings, skipped, err := p.List(t.Context())
		if err != nil || len(skipped) != 1 || !strings.Contains(skipped[0], "no right to list secrets") {
			t.Errorf("skipped: %v, %v", skipped, err)
		}
		if len(findings) != 1 || findings[0].Name != "claim" {
			t.Errorf("found: %+v", findings)
		}
	})
}

// An empty namespace that the plugin made is in the log once, and stays.
func TestEmptyNamespaceIsReportedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 16)
		w.addObject("namespaces", "empty", nil)
		p := w.start("0")
		time.Sleep(5 * grace)
		p.end()
		if log := p.log.String(); strings.Count(log, "found, and left alone") != 1 || !strings.Contains(log, "remote=/empty") {
			t.Errorf("the log is:\n%s", log)
		}
		w.expectDeleted(nil)
	})
}
