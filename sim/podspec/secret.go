package podspec

import corev1 "k8s.io/api/core/v1"

// MoveStringData moves the stringData of a Secret to its data, as the API server does.
func MoveStringData(secret *corev1.Secret) {
	for key, value := range secret.StringData {
		if secret.Data == nil {
			secret.Data = map[string][]byte{}
		}
		secret.Data[key] = []byte(value)
	}
	secret.StringData = nil
}
