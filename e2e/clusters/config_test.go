package clusters

import (
	"testing"

	"sigs.k8s.io/yaml"
)

func TestConfig(t *testing.T) {
	for name, want := range map[string]struct{ audit, airgap bool }{Remote: {true, false}, Local: {false, true}} {
		c := config(name, "/run/x", want.airgap)
		if got := len(c.Nodes[0].ExtraMounts) > 0 && len(c.KubeadmConfigPatches) > 0; got != want.audit {
			t.Errorf("cluster %s has an audit log: %v, want %v", name, got, want.audit)
		}
		if c.Networking.DisableDefaultCNI != want.airgap || c.FeatureGates["ContainerRestartRules"] != want.airgap || c.FeatureGates["ImageVolume"] != want.airgap {
			t.Errorf("%s: %+v %v", name, c.Networking, c.FeatureGates)
		}
		for _, patch := range c.KubeadmConfigPatches {
			var object map[string]any
			if err := yaml.UnmarshalStrict([]byte(patch), &object); err != nil || object["kind"] != "ClusterConfiguration" {
				t.Errorf("%v: %s", err, patch)
			}
		}
		for _, patch := range c.KubeadmConfigPatchesJSON6902 {
			var operations []struct{ Op, Path string }
			if err := yaml.Unmarshal([]byte(patch.Patch), &operations); err != nil || len(operations) != 2 {
				t.Errorf("%v: %s", err, patch.Patch)
			}
		}
	}
	if got := Kubeconfig("/f", Remote); got != "/f/remote.kubeconfig" {
		t.Error(got)
	}
}
