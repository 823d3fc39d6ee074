package plugin_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

func writeRules(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A plugin whose rules cannot be read, or are not valid, does not start, and --check says the
// same. The error names the option, the file and the key.
func TestRulesAreCheckedAtStart(t *testing.T) {
	server := apiserver.ForTest(t)
	missing, wrong := filepath.Join(t.TempDir(), "missing.yaml"), writeRules(t, "- {claim: a}")
	for _, test := range []struct{ claims, placement, want string }{
		{missing, "", "[offloading] claims: open " + missing},
		{wrong, "", "[offloading] claims " + wrong + `: unknown field "claim"`},
		{`[{"claims":["a"],"subPath":".."}]`, "", "[offloading] claims: rule 1: subPath: "},
		{"", missing, "[offloading] placement: open " + missing},
		{"", wrong, "[offloading] placement " + wrong + `: unknown field "claim"`},
		{"", ` {"rules":[{"affinity":"a"}]}`, "[offloading] placement: rule 1: affinity: "},
	} {
		cfg := config.Defaults()
		cfg.Offloading.Claims, cfg.Offloading.Placement = test.claims, test.placement
		_, err := plugin.New(cfg, server.Client, nil, "test", testkit.NewLog(t).Logger())
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("New returns %v, want %q", err, test.want)
		}
		if err := plugin.Check(t.Context(), cfg, server.Client, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Check returns %v, want %q", err, test.want)
		}
	}
}

// --check says what the site permits beyond the Pod Security Standard of the pods.
func TestCheckTellsOfRulesAndVolumes(t *testing.T) {
	server := apiserver.ForTest(t)
	for _, test := range []struct {
		name   string
		change func(*config.Config)
		want   string
	}{
		{"rules", func(c *config.Config) {
			c.Offloading.Claims, c.Offloading.Placement = `[{},{}]`, writeRules(t, "rules: [{nodeSelector: {gpu: all}}]") // no class, since Check looks for those
		}, "\nrules: 2 for claims, 1 for the placement of pods\n"},
		{"no rules", func(*config.Config) {}, "\nrules: 0 for claims, 0 for the placement of pods\n"},
		{"no weaker level", func(*config.Config) {}, "enforce=baseline\n"},
		{"host paths", func(c *config.Config) { c.Offloading.HostPaths = []config.HostPath{{Path: "/cvmfs"}} },
			"enforce=privileged, because of [offloading] host_paths; the plugin accepts only pods that meet baseline, apart from what this option permits\n"},
		{"NFS", func(c *config.Config) {
			c.Offloading.NFS, c.Offloading.PodSecurity = []config.NFSExport{{Server: "n", Path: "/"}}, config.PodSecurityRestricted
		}, "enforce=baseline, because of [offloading] nfs; the plugin accepts only pods that meet restricted,"},
	} {
		cfg := config.Defaults()
		test.change(&cfg)
		var out bytes.Buffer
		if err := plugin.Check(t.Context(), cfg, server.Client, &out); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), test.want) {
			t.Errorf("%s: Check does not write %q but\n%s", test.name, test.want, out.String())
		}
	}
}

// A real API server accepts what the site permits, in a namespace that the plugin has made: a
// folder of the nodes, a folder of an NFS server, an image, a new volume, and a placement by a
// rule. Without the permission, the pod has none of the volumes.
func TestPermittedVolumesOnARealAPIServer(t *testing.T) {
	server := apiserver.ForTest(t)
	volumes := func(r *wire.CreateRequest) {
		size := corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}
		r.Pod.Spec.Volumes = []corev1.Volume{
			{Name: "cvmfs", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/cvmfs"}}},
			{Name: "nfs", VolumeSource: corev1.VolumeSource{NFS: &corev1.NFSVolumeSource{Server: "nfs.example.org", Path: "/export"}}},
			{Name: "csi", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{Driver: "cvmfs.csi.cern.ch"}}},
			{Name: "image", VolumeSource: corev1.VolumeSource{Image: &corev1.ImageVolumeSource{Reference: "busybox:1.37"}}},
			{Name: "new", VolumeSource: corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{VolumeClaimTemplate: &corev1.PersistentVolumeClaimTemplate{
				Spec: corev1.PersistentVolumeClaimSpec{AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, Resources: corev1.VolumeResourceRequirements{Requests: size}},
			}}}},
		}
		for _, volume := range r.Pod.Spec.Volumes {
			r.Pod.Spec.Containers[0].VolumeMounts = append(r.Pod.Spec.Containers[0].VolumeMounts, corev1.VolumeMount{Name: volume.Name, MountPath: "/" + volume.Name})
		}
		r.Pod.Spec.Containers[0].Resources.Limits = corev1.ResourceList{"nvidia.com/mig-1g.5gb": resource.MustParse("1")}
	}
	for name, want := range map[string]int{"permitted": 5, "not permitted": 2} {
		t.Run(name, func(t *testing.T) {
			h := startOn(t, server, func(s *settings) {
				s.config.Offloading.UnsupportedVolumes = config.DropVolumes
				if want == 5 {
					s.config.Offloading.HostPaths, s.config.Offloading.CSIDrivers = []config.HostPath{{Path: "/cvmfs"}}, []string{"cvmfs.csi.*"}
					s.config.Offloading.NFS = []config.NFSExport{{Server: "nfs.example.org", Path: "/export"}}
					s.config.Offloading.Placement = writeRules(t, `[{match: {resources: ["nvidia.com/*"]}, nodeSelector: {gpu: mig}, tolerations: [{key: nvidia.com/gpu, operator: Exists}]}]`)
				}
			})
			r := podOf("volumes", busybox("main"))
			volumes(&r)
			if server.Minor(t) < 35 { // it leaves out volumes from images, and so the plugin refuses the pod
				if code, text := h.createFails(r); code != http.StatusForbidden || !strings.Contains(text, "the remote cluster cannot mount images") {
					t.Errorf("create answers %d %s", code, text)
				}
				return
			}
			h.create(r)
			pod := h.remotePod(r.Pod)
			if got := len(pod.Spec.Volumes); got != want {
				t.Errorf("the pod has %d volumes, want %d", got, want)
			}
			if selected := pod.Spec.NodeSelector["gpu"] == "mig"; selected != (want == 5) {
				t.Errorf("the node selector is %v", pod.Spec.NodeSelector)
			}
		})
	}
}
