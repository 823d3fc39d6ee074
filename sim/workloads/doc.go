// Package workloads returns the pods that controllers write for their manifests: one pod for
// each pod template of a Job, CronJob, Deployment, ReplicaSet, StatefulSet, DaemonSet,
// JobSet or Volcano Job, with the names, labels, owner, variables and claims that the controller adds. The
// pod knows the hostnames of all pods of its template, and whether a pod that exists has this
// template. Of a kind that it does not know, such as PyTorchJob or RayCluster, it returns the
// pod templates without what the kind's controller adds.
//
// It is pure, and must know neither the virtual kubelet nor the plugin.
package workloads
