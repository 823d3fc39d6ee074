package workloads

import (
	"crypto/sha1" //nolint:gosec // JobSet identifies its Jobs by it
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// jobSet is what the pods of a JobSet depend on. Its Go package would bring the API server's
// own libraries with it.
// https://jobset.sigs.k8s.io/docs/reference/jobset.v1alpha2/
type jobSet struct {
	Metadata metav1.ObjectMeta `json:"metadata"`
	Spec     struct {
		Network struct {
			EnableDNSHostnames *bool  `json:"enableDNSHostnames"`
			Subdomain          string `json:"subdomain"`
		} `json:"network"`
		Coordinator *struct {
			ReplicatedJob string `json:"replicatedJob"`
			JobIndex      int    `json:"jobIndex"`
			PodIndex      int    `json:"podIndex"`
		} `json:"coordinator"`
		VolumeClaimPolicies []struct {
			Templates []corev1.PersistentVolumeClaim `json:"templates"`
		} `json:"volumeClaimPolicies"`
		ReplicatedJobs []replicatedJob `json:"replicatedJobs"`
	} `json:"spec"`
}

type replicatedJob struct {
	Name      string                  `json:"name"`
	GroupName string                  `json:"groupName"`
	Replicas  *int                    `json:"replicas"`
	Template  batchv1.JobTemplateSpec `json:"template"`
}

func (r *replicatedJob) replicas() int { return ptr.Deref(r.Replicas, 1) }

// podsOfJobSet returns the first pod of the first Job of each replicated job.
func podsOfJobSet(manifest Manifest) ([]Pod, error) {
	// Not strict: only a part of the fields is known here.
	set, err := decodeKnown[jobSet](manifest.Fields)
	if err != nil {
		return nil, err
	}
	set.Metadata.Namespace = manifest.Namespace()
	var pods []Pod
	for i := range set.Spec.ReplicatedJobs {
		replicated := &set.Spec.ReplicatedJobs[i]
		if replicated.GroupName == "" {
			replicated.GroupName = "default"
		}
	}
	for i := range set.Spec.ReplicatedJobs {
		pods = append(pods, set.podsOf(i)...)
	}
	return pods, nil
}

// podsOf returns the first pod of a replicated job.
func (s *jobSet) podsOf(index int) []Pod {
	replicated := &s.Spec.ReplicatedJobs[index]
	prefix := s.Metadata.Name + "-" + replicated.Name
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: prefix + "-0"}, Spec: *replicated.Template.Spec.DeepCopy()}
	if job.Spec.CompletionMode == nil {
		job.Spec.CompletionMode = ptr.To(batchv1.IndexedCompletion) // as JobSet's admission sets it
	}
	if job.Spec.Template.Spec.RestartPolicy == "" {
		job.Spec.Template.Spec.RestartPolicy = corev1.RestartPolicyOnFailure // also
	}
	s.addVolumes(&job.Spec.Template.Spec)
	names := s.namesOf(index, job.Name)
	pods := podsOfJob(job)
	for i := range pods {
		pod := &pods[i]
		pod.owners = generatedOwner(prefix, indexPart)
		pod.Labels, pod.Annotations = merged(pod.Labels, names), merged(pod.Annotations, names)
		if len(pod.Hostnames.Counts) > 0 {
			pod.Hostnames = Indexes{Prefix: prefix, Counts: append([]int{replicated.replicas()}, pod.Hostnames.Counts...)}
		}
		if ptr.Deref(s.Spec.Network.EnableDNSHostnames, true) {
			pod.Spec.Subdomain = s.subdomain()
		}
	}
	return pods
}

// addVolumes adds the claims that all pods of the set share, where a container mounts them.
func (s *jobSet) addVolumes(spec *corev1.PodSpec) {
	mounted := map[string]bool{}
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		for _, mount := range c.VolumeMounts {
			mounted[mount.Name] = true
		}
	}
	for _, policy := range s.Spec.VolumeClaimPolicies {
		for i := range policy.Templates {
			if name := policy.Templates[i].Name; mounted[name] {
				spec.Volumes = append(spec.Volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
					PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: name + "-" + s.Metadata.Name},
				}})
			}
		}
	}
}

// namesOf returns the labels of the pods of the first Job of a replicated job, which are also their
// annotations.
func (s *jobSet) namesOf(index int, job string) map[string]string {
	replicated := &s.Spec.ReplicatedJobs[index]
	all, before, group, beforeInGroup := 0, 0, 0, 0
	for i := range s.Spec.ReplicatedJobs {
		other := &s.Spec.ReplicatedJobs[i]
		all += other.replicas()
		if i < index {
			before += other.replicas()
		}
		if other.GroupName == replicated.GroupName {
			group += other.replicas()
			if i < index {
				beforeInGroup += other.replicas()
			}
		}
	}
	hash := sha1.Sum([]byte(s.Metadata.Namespace + "/" + job)) //nolint:gosec // as JobSet does
	const prefix = "jobset.sigs.k8s.io/"
	names := map[string]string{
		prefix + "jobset-name": s.Metadata.Name, prefix + "jobset-uid": string(controllerOwner),
		prefix + "replicatedjob-name": replicated.Name, prefix + "replicatedjob-replicas": strconv.Itoa(replicated.replicas()),
		prefix + "global-replicas": strconv.Itoa(all), prefix + "job-global-index": strconv.Itoa(before),
		prefix + "group-name": replicated.GroupName, prefix + "group-replicas": strconv.Itoa(group), prefix + "job-group-index": strconv.Itoa(beforeInGroup),
		prefix + "job-index": "0", prefix + "job-key": hex.EncodeToString(hash[:]), prefix + "restart-attempt": "0",
	}
	if c := s.Spec.Coordinator; c != nil {
		names[prefix+"coordinator"] = fmt.Sprintf("%s-%s-%d-%d.%s", s.Metadata.Name, c.ReplicatedJob, c.JobIndex, c.PodIndex, s.subdomain())
	}
	return names
}

func (s *jobSet) subdomain() string {
	if s.Spec.Network.Subdomain != "" {
		return s.Spec.Network.Subdomain
	}
	return s.Metadata.Name
}
