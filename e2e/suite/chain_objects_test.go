//go:build e2e

package suite

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// chainObjects are the objects that the pods in this file use.
const chainObjects = `
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {color: blue, shape: round}
binaryData: {bytes: AAEC}
---
apiVersion: v1
kind: Secret
metadata: {name: login}
stringData: {user: ada, password: "it's \"s3cr3t\""}
---
`

func chainVolumes(u *chainUser) {
	u.apply(chainObjects + `
apiVersion: v1
kind: Pod
metadata: {name: reader, labels: {purpose: reading}}
spec:` + nodeFields(chainNode, 2) + `
  restartPolicy: Never
  volumes:
  - {name: settings, configMap: {name: settings}}
  - {name: login, secret: {secretName: login, defaultMode: 0400, items: [{key: password, path: deep/password}]}}
  - {name: scratch, emptyDir: {}}
  - name: mixed
    projected:
      sources:
      - {configMap: {name: settings, items: [{key: shape, path: shape}]}}
      - {downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}}
      - {serviceAccountToken: {path: token, expirationSeconds: 3600}}
  containers:
  - name: main
    image: ` + chainImage + `
    volumeMounts:
    - {name: settings, mountPath: /settings}
    - {name: settings, mountPath: /one/color, subPath: color}
    - {name: login, mountPath: /login}
    - {name: scratch, mountPath: /scratch}
    - {name: mixed, mountPath: /mixed}
    command: [sh, -c]
    args:
    - |` + indent(`
echo "volume $(cat /settings/color) $(cat /settings/shape)"
echo "bytes $(od -An -tx1 /settings/bytes)"
echo "subpath $(cat /one/color)"
echo "secret $(cat /login/deep/password)"
echo "mode $(stat -Lc %a /login/deep/password)"
echo written >/scratch/file && echo "scratch $(cat /scratch/file)"
echo "projected $(cat /mixed/shape)"
echo "label $(grep purpose /mixed/labels)"
[ "$(tr -cd . </mixed/token)" = .. ] && echo "token has three parts"
`, 6) + `
`)
	u.waitForPhase("reader", corev1.PodSucceeded)
	u.wantLines(u.kubectl("logs", "reader"),
		"volume blue round", "bytes  00 01 02", "subpath blue", `secret it's "s3cr3t"`, "mode 400",
		"scratch written", "projected round", `label purpose="reading"`, "token has three parts")
	u.kubectl("delete", "pod/reader")
	u.waitForNoRemotePods()
}

func chainEnvironment(u *chainUser) {
	u.apply(chainObjects + `
apiVersion: v1
kind: Pod
metadata: {name: env}
spec:` + nodeFields(chainNode, 2) + `
  restartPolicy: Never
  containers:
  - name: main
    image: ` + chainImage + `
    command: [sh, -c, "env | sort"]
    envFrom:
    - {configMapRef: {name: settings}}
    - {secretRef: {name: login}, prefix: LOGIN_}
    - {configMapRef: {name: nowhere, optional: true}}
    env:
    - {name: QUOTED, value: "a \"b\" 'c' $$d"}
    - {name: COLOR, valueFrom: {configMapKeyRef: {name: settings, key: color}}}
    - {name: PASSWORD, valueFrom: {secretKeyRef: {name: login, key: password}}}
    - {name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
    - {name: NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
    - {name: COMPOSED, value: "$(COLOR) in $(NAMESPACE)"}
`)
	u.waitForPhase("env", corev1.PodSucceeded)
	log := u.kubectl("logs", "env")
	u.wantLines(log, "color=blue", "shape=round", "LOGIN_user=ada", `QUOTED=a "b" 'c' $d`, "COLOR=blue",
		`PASSWORD=it's "s3cr3t"`, "POD=env", "NAMESPACE="+u.name, "COMPOSED=blue in "+u.name)
	if strings.Contains(log, u.remote) {
		u.Errorf("the container sees the remote namespace:\n%s", log)
	}
}
