// Package quotawait keeps the create requests of pods that a full ResourceQuota of the
// remote cluster refuses, and has them carried out when the quota permits it. Without it,
// the create fails, and the controller of the local pod replaces the pod at once, again and
// again.
//
// A request is stored in a Secret in the remote namespace of the pod. A ConfigMap without
// data, the marker, has the same name; markers are all that is listed. One replica at a time
// holds a request: it writes its name on the marker, creates the pod, and then deletes the
// Secret, which commits the creation, and the marker. A delete of the local pod writes on the
// marker that the pod is deleted, and deletes the Secret. What a crash interrupts, the next
// replica that looks at the marker completes (try.go).
//
// It does not know HTTP, nor how a pod is created: plugin/lifecycle does that, and the two
// know each other only as interfaces.
package quotawait
