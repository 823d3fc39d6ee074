package plugin

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/mesh"
)

// MeshTexts reads the mesh script templates of the site.
func MeshTexts(o config.Mesh) ([]mesh.Text, error) {
	if o.TemplateDir == "" {
		return nil, nil
	}
	texts, err := mesh.ReadTexts(os.DirFS(o.TemplateDir))
	if err != nil {
		return nil, fmt.Errorf("read the mesh scripts in [mesh] template_dir %s: %w", o.TemplateDir, err)
	}
	return texts, nil
}

// meshNotice says in one sentence what happens to pods that ask for a mesh.
func meshNotice(o config.Mesh) string {
	switch {
	case !o.Enabled && o.WhenOff == config.RunWithoutMesh:
		return "pods that ask for a mesh network run without it ([mesh] enabled is false, when_off is run)"
	case !o.Enabled:
		return "pods that ask for a mesh network are refused ([mesh] enabled is false)"
	case o.Scripts == config.AnyScript && o.Privileged:
		return "pods that ask for a mesh network run a script of their own as root of their node ([mesh] scripts is any, privileged is true): trust all users of the local cluster"
	case o.Scripts == config.AnyScript:
		return "pods that ask for a mesh network run a script of their own with NET_ADMIN ([mesh] scripts is any): trust all users of the local cluster"
	}
	return "pods that ask for a mesh network run the plugin's own script with NET_ADMIN ([mesh] scripts is known)"
}

// tunnelNotice says what is wrong with tunnels; "" if nothing is.
func tunnelNotice(cfg config.Config) string {
	o := cfg.Mesh
	isRoot := o.Install != "" || o.Scripts == config.AnyScript
	if cfg.Offloading.PodSecurity == config.PodSecurityRestricted && o.Tunnel && !o.Enabled && isRoot {
		return "the remote API server refuses pods with a tunnel in namespaces that enforce the Pod Security Standard restricted: " +
			"set [mesh] install to nothing, with an image that has the programs, and scripts to known; or set tunnel to false"
	}
	return ""
}

// logMesh logs what happens to pods that ask for a mesh or a tunnel.
func logMesh(cfg config.Config, log *slog.Logger) {
	o := cfg.Mesh
	notice := log.Info
	if o.Enabled && o.Scripts == config.AnyScript {
		notice = log.Warn
	}
	notice(meshNotice(o))
	if trouble := tunnelNotice(cfg); trouble != "" {
		log.Warn(trouble)
	}
	if o.Tunnel && o.Scripts == config.AnyScript {
		log.Warn("pods that ask for a tunnel run commands of their own, without privileges ([mesh] scripts is any, tunnel is true)")
	}
}
