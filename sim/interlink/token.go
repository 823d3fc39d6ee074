package interlink

import (
	"encoding/base64"
	"encoding/json"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/utils/ptr"
)

// rootCA is the ConfigMap with the certificate of the local API server.
const rootCA = "kube-root-ca.crt"

// tokenPath is where admission mounts the token for the local API server.
const tokenPath = "/var/run/secrets/kubernetes.io/serviceaccount"

func mountsToken(spec *corev1.PodSpec) bool {
	mounted := len(spec.InitContainers) > 0 || len(spec.Containers) > 0
	return mounted && (spec.AutomountServiceAccountToken == nil || *spec.AutomountServiceAccountToken)
}

// addTokenVolume adds the volume with a token for the local API server, and mounts
// it in each container that has no mount at its path.
func addTokenVolume(pod *corev1.Pod) {
	// The real name ends in five random letters. Here they follow from the UID, so
	// that two runs give the same name.
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(pod.UID)) // a hash never fails
	name := "kube-api-access-" + rand.SafeEncodeString(strconv.FormatUint(hash.Sum64(), 10))[:5]

	mounted := false
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			mounts := &containers[i].VolumeMounts
			if slices.ContainsFunc(*mounts, func(m corev1.VolumeMount) bool { return m.MountPath == tokenPath }) {
				continue
			}
			*mounts = append(*mounts, corev1.VolumeMount{Name: name, ReadOnly: true, MountPath: tokenPath})
			mounted = true
		}
	}
	if !mounted {
		return
	}
	pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
		Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{ExpirationSeconds: ptr.To[int64](3607), Path: "token"}},
			{ConfigMap: &corev1.ConfigMapProjection{
				LocalObjectReference: corev1.LocalObjectReference{Name: rootCA},
				Items:                []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}},
			}},
			{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{
				{Path: "namespace", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.namespace"}},
			}}},
		}},
	}})
}

// tokenLife is the lifetime of the tokens that InterLink requests. It never renews
// them (docs/contract.md, VOL-3).
const tokenLife = 100 * 365 * 24 * time.Hour

// token returns a text in the form of a service account token, with a signature
// that no API server accepts.
func token(pod *corev1.Pod, now time.Time) string {
	part := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			panic(err) // a map of strings and numbers always has a JSON form
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	return strings.Join([]string{
		part(map[string]string{"alg": "RS256", "kid": "SIMULATED"}),
		part(map[string]any{
			"aud": []string{"https://kubernetes.default.svc"},
			"iss": "https://kubernetes.default.svc",
			"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(tokenLife).Unix(),
			"sub": "system:serviceaccount:" + pod.Namespace + ":" + pod.Spec.ServiceAccountName,
		}),
		base64.RawURLEncoding.EncodeToString([]byte("no signature")),
	}, ".")
}
