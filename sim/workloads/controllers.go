package workloads

import (
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// podsOfJob returns the first pod of a Job:
// https://kubernetes.io/docs/concepts/workloads/controllers/job/
func podsOfJob(job *batchv1.Job) []Pod {
	owner := ownedBy("batch/v1", "Job", job.Name)
	labels := map[string]string{
		batchv1.JobNameLabel: job.Name, "job-name": job.Name,
		batchv1.ControllerUidLabel: string(controllerOwner), "controller-uid": string(controllerOwner),
	}
	name := generated(job.Name + "-")
	indexed := ptr.Deref(job.Spec.CompletionMode, "") == batchv1.IndexedCompletion
	if indexed {
		labels[batchv1.JobCompletionIndexAnnotation] = "0"
		const index = "-0-"
		name = generated(job.Name[:min(len(job.Name), 63-len(randomSuffix)-len(index))] + index) // the index stays
	}
	pod := podOf(&job.Spec.Template, name, owner, labels)
	pod.Finalizers = []string{batchv1.JobTrackingFinalizer}
	pod.FailurePolicy = job.Spec.PodFailurePolicy
	if indexed {
		pod.Annotations = merged(pod.Annotations, map[string]string{batchv1.JobCompletionIndexAnnotation: "0"})
		pod.Spec.Hostname = job.Name + "-0"
		pod.Hostnames = Indexes{Prefix: job.Name, Counts: []int{int(ptr.Deref(job.Spec.Completions, 1))}}
		for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
			for i := range containers {
				addCompletionIndex(&containers[i])
			}
		}
	}
	return []Pod{pod}
}

// addCompletionIndex adds the variable that an Indexed Job gives to each container.
func addCompletionIndex(c *corev1.Container) {
	const name = "JOB_COMPLETION_INDEX"
	if slices.ContainsFunc(c.Env, func(v corev1.EnvVar) bool { return v.Name == name }) {
		return
	}
	c.Env = append(c.Env, corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{
		FieldPath: fmt.Sprintf("metadata.labels['%s']", batchv1.JobCompletionIndexAnnotation),
	}}})
}

func podsOfCronJob(cron *batchv1.CronJob) []Pod {
	pods := podsOfJob(&batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: cron.Name + "-" + scheduleSuffix},
		Spec:       cron.Spec.JobTemplate.Spec,
	})
	for i := range pods {
		pods[i].owners = generatedOwner(cron.Name, indexPart)
	}
	return pods
}

func podsOfDeployment(deployment *appsv1.Deployment) []Pod {
	set := deployment.Name + "-" + templateHash
	pod := podOf(&deployment.Spec.Template, generated(set+"-"), ownedBy("apps/v1", "ReplicaSet", set),
		map[string]string{appsv1.DefaultDeploymentUniqueLabelKey: templateHash})
	pod.owners = generatedOwner(deployment.Name, hashPart)
	return []Pod{pod}
}

func podsOfReplicaSet(set *appsv1.ReplicaSet) []Pod {
	return []Pod{podOf(&set.Spec.Template, generated(set.Name+"-"), ownedBy("apps/v1", "ReplicaSet", set.Name), nil)}
}

func podsOfDaemonSet(set *appsv1.DaemonSet) []Pod {
	return []Pod{podOf(&set.Spec.Template, generated(set.Name+"-"), ownedBy("apps/v1", "DaemonSet", set.Name),
		map[string]string{appsv1.ControllerRevisionHashLabelKey: templateHash})}
}

// podsOfStatefulSet returns the first pod of a StatefulSet, with a volume for each template of
// a claim:
// https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/
func podsOfStatefulSet(set *appsv1.StatefulSet) []Pod {
	first := ptr.Deref(set.Spec.Ordinals, appsv1.StatefulSetOrdinals{}).Start
	name := fmt.Sprintf("%s-%d", set.Name, first)
	pod := podOf(&set.Spec.Template, name, ownedBy("apps/v1", "StatefulSet", set.Name), map[string]string{
		appsv1.StatefulSetPodNameLabel:        name,
		appsv1.PodIndexLabel:                  fmt.Sprint(first),
		appsv1.ControllerRevisionHashLabelKey: set.Name + "-" + templateHash,
	})
	pod.Spec.Hostname, pod.Spec.Subdomain = name, set.Spec.ServiceName
	pod.Hostnames = Indexes{Prefix: set.Name, First: int(first), Counts: []int{int(ptr.Deref(set.Spec.Replicas, 1))}}
	for _, template := range set.Spec.VolumeClaimTemplates {
		pod.Spec.Volumes = slices.DeleteFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == template.Name })
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: template.Name, VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: template.Name + "-" + name},
		}})
	}
	return []Pod{pod}
}
