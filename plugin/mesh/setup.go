package mesh

import (
	"embed"
	"math"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

const (
	// Container is the name of the container that sets the mesh up.
	Container = "mesh-setup"
	// ExitStartFailed is its exit code when the mesh has not come up, and never will.
	ExitStartFailed = 97
	// ReadyFile is what the script makes when the network is up.
	ReadyFile = scratchPath + "/mesh-ready"

	scratch     = "interlink-scratch"
	scratchPath = "/tmp/interlink"
	filesVolume = "interlink-mesh"
	filesPath   = "/etc/interlink/mesh"
	podVolume   = "interlink-pod"
	podPath     = "/etc/interlink/pod"
	finished    = "finished" // file of podVolume
	tunVolume   = "interlink-tun"
	tunDevice   = "/dev/net/tun"
)

// Options are the options of section [mesh].
type Options = config.Mesh

// Part is one container with what it needs.
type Part struct {
	Container corev1.Container
	Volumes   []corev1.Volume
	// Files by path, relative to where they are mounted. They hold keys.
	Files map[string][]byte
}

//go:embed files
var files embed.FS

// file is one of the embedded files; they are all there.
func file(name string) []byte {
	text, err := files.ReadFile("files/" + name)
	if err != nil {
		panic(err)
	}
	return text
}

// Setup returns the container that runs a mesh script for a local pod. secret is
// the name of the Secret that will hold the part's files.
func Setup(script string, pod *corev1.Pod, secret string, o Options) Part {
	part := newPart(Container, pod, secret, o)
	c := &part.Container
	part.Files["mesh.sh"] = []byte(script)
	seconds := int(math.Ceil(o.StartupTimeout.Seconds()))
	c.Env = append(c.Env, variable("MESH_STARTUP_TIMEOUT", strconv.Itoa(seconds)))
	c.Command = append(c.Command, filesPath+"/mesh.sh")
	if o.SlurmSetupScript {
		part.slurm(pod)
	}
	part.mayChangeTheNetwork(o)
	if o.StartupProbe {
		// run.sh itself gives up in time and says why; this is for when it cannot.
		const spare = 15
		c.StartupProbe = &corev1.Probe{
			ProbeHandler:     corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"test", "-e", ReadyFile}}},
			PeriodSeconds:    1,
			TimeoutSeconds:   5,
			FailureThreshold: int32(min(seconds+spare, math.MaxInt32)),
		}
	}
	if o.InitContainer {
		c.RestartPolicy = ptr.To(corev1.ContainerRestartPolicyAlways)
	} else {
		part.endWithThePod()
	}
	return part
}

// newPart returns a container that runs the files' run.sh; its command lacks what
// is to be run.
func newPart(name string, pod *corev1.Pod, secret string, o Options) Part {
	part := Part{
		Container: corev1.Container{
			Name:       name,
			Image:      o.Image,
			Command:    []string{"/bin/sh", filesPath + "/run.sh"},
			WorkingDir: scratchPath,
			Resources:  *o.Resources.DeepCopy(),
			Env: []corev1.EnvVar{
				variable("TMPDIR", scratchPath),
				variable("POD_NAME", pod.Name),
				variable("POD_NAMESPACE", pod.Namespace),
				variable("POD_UID", string(pod.UID)),
			},
			// What failed is in the last lines of the log.
			TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
		},
		Files: map[string][]byte{"run.sh": file("run.sh")},
	}
	part.mount(scratch, scratchPath, false, corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}})
	part.mount(filesVolume, filesPath, true, corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{
		SecretName: secret, DefaultMode: ptr.To[int32](0o555),
	}})
	if o.Install != "" {
		part.Files["install.sh"] = []byte(o.Install + "\n")
	}
	return part
}

// slurm gives a script for Slurm what it expects: a job to run at its end, the
// batch system's variables, and stand-ins for the programs by which it would
// leave the pod's network, which is the one that it is to change.
func (p *Part) slurm(pod *corev1.Pod) {
	c := &p.Container
	for _, name := range []string{"job.sh", "bin/unshare", "bin/curl"} {
		p.Files[name] = file("slurm/" + name)
	}
	c.Command = append(c.Command, filesPath+"/job.sh")
	c.Env = append(c.Env,
		variable("MESH_PROGRAMS", filesPath+"/bin"),
		variable("SLIRP_TMPDIR", scratchPath),
		variable("SLIRP_USERNS_MODE", "none"),
		variable("SLURM_JOB_ID", "1"),
		variable("SLURM_JOB_NAME", pod.Name),
		variable("SLURM_NTASKS", "1"),
		variable("SLURM_PROCID", "0"),
		variable("SLURM_LOCALID", "0"),
		variable("SLURM_TMPDIR", scratchPath),
	)
}

// mayChangeTheNetwork gives the container the rights for it, as root whatever
// the pod's own user is.
func (p *Part) mayChangeTheNetwork(o Options) {
	security := &corev1.SecurityContext{RunAsUser: ptr.To[int64](0), RunAsNonRoot: ptr.To(false)}
	p.Container.SecurityContext = security
	if o.Privileged {
		security.Privileged = ptr.To(true)
		return
	}
	security.AllowPrivilegeEscalation = ptr.To(false)
	// Two are for a DNS server: its port is below 1024, and it asks by device. Not every
	// runtime has them among the default ones.
	security.Capabilities = &corev1.Capabilities{Add: []corev1.Capability{"NET_ADMIN", "NET_BIND_SERVICE", "NET_RAW"}}
	if o.Install == "" {
		security.Capabilities.Drop = []corev1.Capability{"ALL"} // a package manager needs several
	}
	p.mount(tunVolume, tunDevice, false, corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{
		Path: tunDevice, Type: ptr.To(corev1.HostPathCharDev),
	}})
}

// endWithThePod lets an ordinary container end when the pod's own have ended: it
// watches an annotation of the pod, which the plugin then sets.
func (p *Part) endWithThePod() {
	p.Container.Env = append(p.Container.Env, variable("MESH_FINISHED_FILE", podPath+"/"+finished))
	p.mount(podVolume, podPath, true, corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{
		Items: []corev1.DownwardAPIVolumeFile{{
			Path:     finished,
			FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.annotations['" + wire.AnnotationFinished + "']"},
		}},
	}})
}

func (p *Part) mount(name, path string, readOnly bool, source corev1.VolumeSource) {
	p.Volumes = append(p.Volumes, corev1.Volume{Name: name, VolumeSource: source})
	p.Container.VolumeMounts = append(p.Container.VolumeMounts, corev1.VolumeMount{Name: name, MountPath: path, ReadOnly: readOnly})
}

func variable(name, value string) corev1.EnvVar { return corev1.EnvVar{Name: name, Value: value} }
