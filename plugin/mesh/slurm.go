package mesh

import corev1 "k8s.io/api/core/v1"

// emulateSlurm lets a script that was written for Slurm run in the container. The
// script gets a job to run at its end, the variables of Slurm, and replacements for
// the programs unshare and curl, so that it stays in the pod's network.
func (s *Sidecar) emulateSlurm(pod *corev1.Pod) {
	c := &s.Container
	for _, name := range []string{"job.sh", "bin/unshare", "bin/curl"} {
		s.Files[name] = file("slurm/" + name)
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
