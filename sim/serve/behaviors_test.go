package serve

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// The folder of the project can be served: pods of one name are told apart by their
// containers, and what cannot be told apart is skipped with a reason.
func TestFolderOfTheProject(t *testing.T) {
	files, err := scenario.ReadAll("../../fixtures/scenarios")
	if err != nil {
		t.Fatal(err)
	}
	skipped := map[string]string{}
	all := newBehaviors(files, func(file *scenario.File, reason string) { skipped[file.Name] = reason })
	served := 0
	for _, file := range files {
		if reason, ok := skipped[file.Name]; ok {
			if !strings.Contains(reason, "is the same as in ../../fixtures/scenarios/") {
				t.Errorf("%s is skipped: %s", file.Name, reason)
			}
			continue
		}
		served++
		for i := range file.Pods {
			remote := file.Pods[i].DeepCopy()
			remote.Annotations = map[string]string{wire.AnnotationSourceNamespace: remote.Namespace, wire.AnnotationSourceName: remote.Name}
			want := file.Nodes[file.Key(remote.Namespace, remote.Name)]
			if diff := cmp.Diff(want, all.of(remote)); diff != "" {
				t.Errorf("%s, pod %s: %s", file.Name, remote.Name, diff)
			}
		}
	}
	if served <= len(skipped) {
		t.Errorf("%d scenarios are served, %d are skipped", served, len(skipped))
	}
}
