package translate_test

import (
	"encoding/json"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// attack is what no remote object may hold: the attacker's command.
const attack = "touch /attacked"

// TestAttacksThroughTheMesh plays users who write InterLink's annotations themselves. Each
// pod is refused, or what the plugin creates holds nothing of the attacker's commands and
// has no privilege beyond the mesh's own.
func TestAttacksThroughTheMesh(t *testing.T) {
	var recorded wire.CreateRequest
	if err := json.Unmarshal(testkit.ReadRecording(t, "11-create-mesh").Body, &recorded); err != nil {
		t.Fatal(err)
	}
	known := recorded.Pod.Annotations[wire.AnnotationPreExec]
	replace := func(old, new string) string {
		changed := strings.Replace(known, old, new, 1)
		if changed == known {
			t.Fatalf("the recorded script does not hold %q", old)
		}
		return changed
	}
	heredoc := func(script string) string { return "cat <<'EOFMESH' > $TMPDIR/mesh.sh\n" + script + "\nEOFMESH" }
	const harmless = "" // the pod is created
	for name, test := range map[string]struct {
		preExec, tunnel, mesh string
		refused               string
		change                func(*corev1.Pod, *translate.Options)
	}{
		"a script of his own":                      {preExec: heredoc("#!/bin/sh\n" + attack), refused: "none that the plugin knows"},
		"a line more in the known script":          {preExec: replace("#!/bin/sh\n", "#!/bin/sh\n"+attack+"\n"), refused: "none that the plugin knows"},
		"a line more at the end":                   {preExec: replace("\nEOFMESH", "\n"+attack+"\nEOFMESH"), refused: "none that the plugin knows"},
		"an unquoted mark":                         {preExec: strings.ReplaceAll(heredoc("$("+attack+")"), "'", ""), refused: "malformed"},
		"no heredoc":                               {preExec: attack, refused: harmless},
		"commands in front of the script":          {preExec: attack + "\n" + known, refused: harmless},
		"commands behind the script":               {preExec: known + attack, refused: harmless},
		"a script of his own behind the known one": {preExec: known + heredoc(attack), refused: harmless},
		"a script of his own in front of it":       {preExec: heredoc(attack) + known, refused: "none that the plugin knows"},
		"a script of his own, opted out":           {preExec: heredoc(attack), mesh: "disabled", refused: harmless},
		"a command as the interface":               {preExec: replace("wgaa15f82b-4992", "wg$("+attack+")"), refused: "WGInterfaceName"},
		"the pod's own device as the interface":    {preExec: replace("wgaa15f82b-4992", "eth0"), refused: "WGInterfaceName"},
		"a command as the MTU":                     {preExec: replace("\n1280\n", "\n1280; "+attack+"\n"), refused: "WGMTU"},
		"a command as the DNS server":              {preExec: replace("\n10.96.0.10\n", "\n10.96.0.10`"+attack+"`\n"), refused: "DNSServiceIP"},
		"a command as the secret path":             {preExec: replace("0123456789abcdef0123456789abcdef", "x' "+attack+" '"), refused: "RandomPassword"},
		"an option as the secret path":             {preExec: replace("0123456789abcdef0123456789abcdef", "--log-lvl=trace"), refused: "RandomPassword"},
		"the end of a value's heredoc":             {preExec: replace("0123456789abcdef0123456789abcdef", "x\nEOFVALUE\n"+attack), refused: "refused"},
		"all routes":                               {preExec: replace("10.244.0.0/16\n10.96.0.0/16", "0.0.0.0/0\n10.96.0.0/16"), refused: "PodCIDRCluster"},
		"PostUp":                                   {preExec: replace("[Peer]", "PostUp = "+attack+"\n[Peer]"), refused: "PostUp: this key is not permitted"},
		"SaveConfig":                               {preExec: replace("[Peer]", "SaveConfig = true\n[Peer]"), refused: "SaveConfig: this key is not permitted"},
		"a program of his own":                     {preExec: replace("https://example.org/wg\n", "https://attacker.example.org/wg?"+attack+"\n"), refused: harmless},
		"hostNetwork":                              {preExec: known, refused: "the network of its node", change: func(p *corev1.Pod, _ *translate.Options) { p.Spec.HostNetwork = true }},
		"a container with the name of the mesh":    {preExec: known, refused: "is reserved", change: func(p *corev1.Pod, _ *translate.Options) { p.Spec.Containers[0].Name = "mesh-setup" }},
		"a volume with the name of the mesh's": {preExec: known, refused: "is reserved", change: func(p *corev1.Pod, _ *translate.Options) {
			p.Spec.Volumes = []corev1.Volume{{Name: "interlink-scratch", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}}
		}},
		"a mount of what the mesh runs": {preExec: known, refused: harmless, change: func(p *corev1.Pod, _ *translate.Options) {
			p.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "interlink-scratch", MountPath: "/x"}, {Name: "interlink-mesh", MountPath: "/y"}}
		}},
		"privileged is on, and not for known scripts": {preExec: known, refused: harmless, change: func(_ *corev1.Pod, o *translate.Options) { o.Mesh.Privileged, o.Mesh.SlurmSetupScript = true, true }},
		"a mesh on a site without one":                {preExec: known, refused: "this site has none", change: func(_ *corev1.Pod, o *translate.Options) { o.Mesh.Enabled = false }},
		"tunnel commands of his own":                  {tunnel: attack, refused: "do not start wstunnel client"},
		"commands beside the tunnel":                  {tunnel: attack + "; wstunnel client ws://pod.example.org; " + attack, refused: harmless},
		"a command as an argument":                    {tunnel: "wstunnel client -P '$(" + attack + ")' ws://pod.example.org", refused: "-P: it must be"},
		"a tunnel to the API server":                  {tunnel: "wstunnel client -R tcp://0.0.0.0:80:kubernetes.default:443 ws://pod.example.org", refused: "it exposes a port of the pod"},
		"a tunnel that opens ports":                   {tunnel: "wstunnel client -L socks5://0.0.0.0:1080 ws://pod.example.org", refused: "the option -L is not permitted"},
		"a file as an argument":                       {tunnel: "wstunnel client --http-headers-file /var/run/secrets/token ws://pod.example.org", refused: "is not permitted"},
	} {
		t.Run(name, func(t *testing.T) {
			request := wire.CreateRequest{Pod: *recorded.Pod.DeepCopy()}
			request.Pod.Annotations = map[string]string{
				wire.AnnotationPreExec: test.preExec, wire.AnnotationTunnelCommands: test.tunnel, wire.AnnotationMeshNetwork: test.mesh,
				wire.AnnotationWireguardPrivateKey: "secret-key", wire.AnnotationTunnelPath: "secret-path",
			}
			defaults := config.Defaults()
			options := translate.Options{Scope: scope.Scope{Prefix: "offloading", Instance: "default"}, Offloading: defaults.Offloading, Mesh: defaults.Mesh, OwnNamespace: true}
			options.Mesh.Enabled = true
			if test.change != nil {
				test.change(&request.Pod, &options)
			}
			objects, err := translate.ToObjects(&request, options)
			if test.refused != harmless {
				if err == nil || !strings.Contains(err.Error(), test.refused) || (!errdefs.Is(err, errdefs.Refused) && !errdefs.Is(err, errdefs.Invalid)) {
					t.Fatalf("error %v, want %q", err, test.refused)
				}
				if strings.Contains(err.Error(), attack) || strings.Contains(err.Error(), "secret-") {
					t.Errorf("the error quotes the pod's text: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			expectHarmless(t, objects)
		})
	}
}

// expectHarmless checks everything that the plugin would create.
func expectHarmless(t *testing.T, objects *translate.Objects) {
	t.Helper()
	manifest, err := yaml.Marshal(objects.Pod)
	if err != nil {
		t.Fatal(err)
	}
	for _, forbidden := range []string{attack, "secret-key", "secret-path", "attacker.example.org"} {
		if strings.Contains(string(manifest), forbidden) {
			t.Errorf("the remote pod holds %q", forbidden)
		}
		for _, secret := range objects.Secrets {
			for key, value := range secret.Data {
				if strings.Contains(string(value), forbidden) {
					t.Errorf("the key %s of a Secret holds %q", key, forbidden)
				}
			}
		}
	}
	for _, c := range append(objects.Pod.Spec.InitContainers, objects.Pod.Spec.Containers...) {
		if c.SecurityContext != nil && c.SecurityContext.Privileged != nil && *c.SecurityContext.Privileged {
			t.Errorf("container %s is privileged", c.Name)
		}
		for _, m := range c.VolumeMounts {
			if strings.HasPrefix(m.Name, "interlink-") && c.Name != "mesh-setup" && c.Name != "wstunnel-client" {
				t.Errorf("container %s mounts %s", c.Name, m.Name)
			}
		}
	}
	for _, v := range objects.Pod.Spec.Volumes {
		if v.HostPath != nil && v.HostPath.Path != "/dev/net/tun" {
			t.Errorf("the pod has the host path %s", v.HostPath.Path)
		}
	}
}
