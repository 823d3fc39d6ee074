package quotawait

import (
	"encoding/json"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/scope"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

const (
	// suffix ends the names of a stored request and of its marker. No object that a pod
	// needs has such a name: the names of plugin/scope end with a UID.
	suffix = ".request"
	// requestKey is the key of the request in its Secret.
	requestKey = "request.json"
	secretType = corev1.SecretType("interlink.io/create-request")
)

// key is the namespace and the name of a marker and of its Secret.
type key struct{ namespace, name string }

func (k key) String() string { return k.namespace + "/" + k.name }

// keyOf returns where the request of a local pod is stored.
func keyOf(s scope.Scope, pod *corev1.Pod) key {
	return key{s.RemoteNamespace(pod.Namespace), jobID(s, pod) + suffix}
}

// jobID returns the name that the remote pod of a local pod will have.
func jobID(s scope.Scope, pod *corev1.Pod) string { return s.Name(pod.Name, string(pod.UID)) }

func (k key) meta() metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: k.namespace, Name: k.name}
}

// newMarker returns the marker of a local pod.
// claims are those that the pod will use.
func newMarker(s scope.Scope, pod *corev1.Pod, claims []string, since time.Time, refusal string) *corev1.ConfigMap {
	k := keyOf(s, pod)
	meta := s.Meta(metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID}, k.name, "")
	meta.Labels[wire.LabelStoredRequest] = string(pod.UID)
	meta.Annotations[wire.AnnotationWaitingSince] = since.UTC().Format(time.RFC3339Nano)
	meta.Annotations[wire.AnnotationRefusal] = refusal
	if len(claims) > 0 {
		meta.Annotations[wire.AnnotationWaitingClaims] = strings.Join(claims, ",")
	}
	return &corev1.ConfigMap{ObjectMeta: meta}
}

// newSecret returns the Secret with a request. The error is of kind Invalid if the request
// is too large for a Secret.
func newSecret(s scope.Scope, request *wire.CreateRequest) (*corev1.Secret, error) {
	data, err := json.Marshal(request)
	if err != nil {
		return nil, errdefs.New(errdefs.Internal, "encode the create request: %w", err)
	}
	if len(data) > corev1.MaxSecretSize {
		return nil, errdefs.New(errdefs.Invalid, "the create request has %d bytes, and a Secret can hold %d", len(data), corev1.MaxSecretSize)
	}
	pod := &request.Pod
	meta := s.Meta(metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID}, keyOf(s, pod).name, "")
	meta.Labels[wire.LabelStoredRequest] = string(pod.UID)
	return &corev1.Secret{ObjectMeta: meta, Type: secretType, Data: map[string][]byte{requestKey: data}}, nil
}

// decode returns the request in a Secret. The error is of kind Refused if the request is
// not one that this plugin stores in this place: an account that can create Secrets in one remote
// namespace must not use the plugin to create pods in another.
func decode(s scope.Scope, secret metav1.Object) (*wire.CreateRequest, error) {
	stored, ok := secret.(*corev1.Secret)
	if !ok {
		return nil, errdefs.New(errdefs.Internal, "a stored request in a %T", secret)
	}
	var request wire.CreateRequest
	if err := json.Unmarshal(stored.Data[requestKey], &request); err != nil {
		return nil, errdefs.New(errdefs.Refused, "the stored create request cannot be read")
	}
	pod := &request.Pod
	if here := (key{stored.Namespace, stored.Name}); keyOf(s, pod) != here ||
		stored.Labels[wire.LabelStoredRequest] != string(pod.UID) || stored.Labels[wire.LabelInstance] != s.Instance {
		return nil, errdefs.New(errdefs.Refused, "the stored create request does not belong to %s", here)
	}
	return &request, nil
}

// state is what a marker says.
type state struct {
	uid     string // of the local pod
	since   time.Time
	refusal string
	holder  string // the replica that holds the pod, with the time; empty if none does
	ended   string // why the wait ended; empty while it lasts
	claims  string // the names of the persistent volume claims of the pod, separated by commas
	// localNamespace and localName are those of the local pod.
	localNamespace, localName string
}

func stateOf(marker metav1.Object) state {
	annotations := marker.GetAnnotations()
	since, err := time.Parse(time.RFC3339Nano, annotations[wire.AnnotationWaitingSince])
	if err != nil {
		since = marker.GetCreationTimestamp().Time
	}
	return state{
		uid: marker.GetLabels()[wire.LabelStoredRequest], since: since,
		refusal: annotations[wire.AnnotationRefusal], holder: annotations[wire.AnnotationHolder],
		ended: annotations[wire.AnnotationWaitEnded], claims: annotations[wire.AnnotationWaitingClaims],
		localNamespace: annotations[wire.AnnotationSourceNamespace], localName: annotations[wire.AnnotationSourceName],
	}
}
