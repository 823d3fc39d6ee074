package plugin

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
)

// TestMeshNotice checks what the log and --check say about meshes, and that the log warns
// where pods run scripts of their own.
func TestMeshNotice(t *testing.T) {
	for _, test := range []struct {
		mesh  config.Mesh
		level config.PodSecurity
		want  string
		warns int
	}{
		{config.Mesh{}, "", "are refused ([mesh] enabled is false)", 0},
		{config.Mesh{WhenOff: config.RunWithoutMesh}, "", "run without it", 0},
		{config.Mesh{Enabled: true, Scripts: config.KnownScripts, Privileged: true, Tunnel: true}, "", "run the plugin's own script", 0},
		{config.Mesh{Enabled: true, Scripts: config.AnyScript}, "", "a script of their own with NET_ADMIN", 1},
		{config.Mesh{Enabled: true, Scripts: config.AnyScript, Privileged: true}, "", "as root of their node", 1},
		{config.Mesh{Scripts: config.AnyScript, Tunnel: true}, "", "are refused", 1},
		{config.Mesh{Scripts: config.KnownScripts, Tunnel: true, Install: "apk add curl"}, config.PodSecurityRestricted, "refuses pods with a tunnel", 1},
		{config.Mesh{Scripts: config.KnownScripts, Tunnel: true}, config.PodSecurityRestricted, "are refused ([mesh] enabled is false)", 0},
		{config.Mesh{Scripts: config.KnownScripts, Install: "apk add curl"}, config.PodSecurityRestricted, "are refused ([mesh] enabled is false)", 0},
		{config.Mesh{Scripts: config.KnownScripts, Tunnel: true, Install: "apk add curl"}, config.PodSecurityBaseline, "are refused ([mesh] enabled is false)", 0},
	} {
		var out strings.Builder
		logMesh(config.Config{Mesh: test.mesh, Offloading: config.Offloading{PodSecurity: test.level}}, slog.New(slog.NewTextHandler(&out, nil)))
		if !strings.Contains(out.String(), test.want) || strings.Count(out.String(), "level=WARN") != test.warns {
			t.Errorf("%+v: the log is\n%s\nwant %q and %d warnings", test.mesh, out.String(), test.want, test.warns)
		}
	}
}

func TestMeshTexts(t *testing.T) {
	if texts, err := MeshTexts(config.Mesh{}); texts != nil || err != nil {
		t.Errorf("without a folder: %v, %v", texts, err)
	}
	folder := t.TempDir()
	for _, dir := range []string{filepath.Join(folder, "none"), folder} {
		if err := os.WriteFile(filepath.Join(folder, "mesh.sh"), []byte("echo"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := MeshTexts(config.Mesh{TemplateDir: dir}); err == nil || !strings.Contains(err.Error(), "[mesh] template_dir "+dir+": ") {
			t.Errorf("folder %s: error %v", dir, err)
		}
	}
}
