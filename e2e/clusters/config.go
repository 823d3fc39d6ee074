package clusters

import (
	"fmt"
	"path/filepath"
	"strings"

	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
)

// Names of the clusters. They are the same in each run, so that a run finds what a killed
// run left.
const (
	Remote = "interlink-e2e-remote"
	Local  = "interlink-e2e-local"
)

// AuditLog returns the path of the remote API server's audit log in a run's folder.
func AuditLog(folder string) string { return filepath.Join(folder, "audit", "audit.log") }

// auditPolicy logs the user and the object of each request, without the content of objects.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
`

// The API server's options for the audit log, in both versions of kubeadm's configuration.
// kind uses the one that fits the release of Kubernetes.
const (
	auditVolumes = `kind: ClusterConfiguration
apiServer:
  extraVolumes:
  - {name: audit, hostPath: /audit, mountPath: /audit, pathType: Directory}
`
	auditArgsV1Beta3 = `apiVersion: kubeadm.k8s.io/v1beta3
kind: ClusterConfiguration
apiServer:
  extraArgs: {audit-policy-file: /audit/policy.yaml, audit-log-path: /audit/audit.log}
`
	auditArgsV1Beta4 = `
- {op: add, path: /apiServer/extraArgs/-, value: {name: audit-policy-file, value: /audit/policy.yaml}}
- {op: add, path: /apiServer/extraArgs/-, value: {name: audit-log-path, value: /audit/audit.log}}
`
)

// claimFolders lets the host path provisioner, which runs in the controller manager, create the folders of
// claims on the node: the kubelet refuses a subPath below a folder that does not exist.
const claimFolders = `kind: ClusterConfiguration
controllerManager:
  extraVolumes:
  - {name: claims, hostPath: /tmp/hostpath_pv, mountPath: /tmp/hostpath_pv, pathType: DirectoryOrCreate}
`

// config returns the configuration of a cluster with one node. A node image that this
// project builds (airgap) has its own network and an older Kubernetes.
func config(name, folder string, airgap bool) *v1alpha4.Cluster {
	c := &v1alpha4.Cluster{
		TypeMeta: v1alpha4.TypeMeta{APIVersion: "kind.x-k8s.io/v1alpha4", Kind: "Cluster"},
		Nodes:    []v1alpha4.Node{{Role: v1alpha4.ControlPlaneRole}},
	}
	if airgap {
		c.Networking = v1alpha4.Networking{DisableDefaultCNI: true, PodSubnet: "10.244.0.0/24"}
		// Restart policies of containers, and volumes from images, which Kubernetes enables by default since 1.35.
		c.FeatureGates = map[string]bool{"ContainerRestartRules": true, "ImageVolume": true}
	}
	if name == Remote {
		c.Nodes[0].ExtraMounts = []v1alpha4.Mount{{HostPath: filepath.Dir(AuditLog(folder)), ContainerPath: "/audit"}}
		c.KubeadmConfigPatches = []string{auditVolumes, auditArgsV1Beta3, claimFolders}
		c.KubeadmConfigPatchesJSON6902 = []v1alpha4.PatchJSON6902{{
			Group: "kubeadm.k8s.io", Version: "v1beta4", Kind: "ClusterConfiguration", Patch: auditArgsV1Beta4,
		}}
	}
	return c
}

// Kubeconfig returns the path of a cluster's kubeconfig, such as remote.kubeconfig.
func Kubeconfig(folder, name string) string {
	name = strings.TrimPrefix(name, "interlink-e2e-")
	return filepath.Join(folder, fmt.Sprintf("%s.kubeconfig", name))
}
