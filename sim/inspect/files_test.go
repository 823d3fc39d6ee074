package inspect_test

import (
	"strings"
	"testing"
)

func TestFiles(t *testing.T) {
	type contents map[string]string // content and mode by path
	for _, test := range []struct {
		name, mount, volume string
		want                contents
		errorText           string
	}{
		{"all keys", "mountPath: /c", "configMap: {name: o, defaultMode: 0400}", contents{"/c/a": "1 400", "/c/b": "2 400", "/c/bin": "\x00\xff 400"}, ""},
		{"items", "mountPath: /c", "configMap: {name: o, items: [{key: a, path: deep/x, mode: 0600}]}", contents{"/c/deep/x": "1 600"}, ""},
		{"subPath of a file", "mountPath: /etc/one, subPath: a", "configMap: {name: o}", contents{"/etc/one": "1 644"}, ""},
		{"subPath of a directory", "mountPath: /c, subPath: deep", "configMap: {name: o, items: [{key: a, path: deep/x}, {key: b, path: z}]}", contents{"/c/x": "1 644"}, ""},
		{"subPathExpr", "mountPath: /c, subPathExpr: $(DIR)", "configMap: {name: o, items: [{key: a, path: deep/x}]}", contents{"/c/x": "1 644"}, ""},
		{"Secret", "mountPath: /s", "secret: {secretName: o}", contents{"/s/k": "s3 644"}, ""},
		{"paths that are not clean", "mountPath: /c/, subPath: ./deep/", "configMap: {name: o, items: [{key: a, path: deep/x}]}", contents{"/c/x": "1 644"}, ""},
		{"subPath that leaves the volume", "mountPath: /c, subPath: ../x", "configMap: {name: o}", nil, "leaves the volume"},
		{"subPath that does not exist", "mountPath: /c, subPath: none", "configMap: {name: o}", contents{}, ""},
		{"subPathExpr with an unknown variable", "mountPath: /c, subPathExpr: $(DIR)/$(NO)", "configMap: {name: o}", nil, "mount /c: the variable NO"},
		{"subPathExpr with an empty variable", "mountPath: /c, subPathExpr: $(EMPTY)", "configMap: {name: o}", nil, "the variable EMPTY"},
		{"escaped subPathExpr", "mountPath: /c, subPathExpr: $$(DIR)", "configMap: {name: o, items: [{key: a, path: $(DIR)/x}]}", contents{"/c/x": "1 644"}, ""},
		{"missing Secret", "mountPath: /s", "secret: {secretName: none}", nil, "volume v: the remote cluster has no Secret none"},
		{"missing key", "mountPath: /s", "secret: {secretName: o, items: [{key: none, path: x}]}", nil, "with key none"},
		{"optional Secret", "mountPath: /s", "secret: {secretName: none, optional: true}", contents{}, ""},
		{"optional key", "mountPath: /s", "configMap: {name: o, optional: true, items: [{key: none, path: x}, {key: a, path: z}]}", contents{"/s/z": "1 644"}, ""},
		{"fields and resources", "mountPath: /i", "downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}, {path: cpu, resourceFieldRef: {containerName: main, resource: limits.cpu}}]}", contents{"/i/labels": "a=\"q\\\"\"\nx=\"z\" 644", "/i/cpu": "2 644"}, ""},
		{"projected volume", "mountPath: /p", "projected: {defaultMode: 0440, sources: [{secret: {name: o}}, {configMap: {name: o, items: [{key: b, path: b}]}}, {downwardAPI: {items: [{path: m, fieldRef: {fieldPath: metadata.namespace}}]}}, {serviceAccountToken: {path: t}}]}", contents{"/p/k": "s3 440", "/p/b": "2 440", "/p/m": "ns 440", "/p/t": "token 440"}, ""},
		{"emptyDir", "mountPath: /e", "emptyDir: {}", contents{}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := "  containers:\n  - name: main\n    env: [{name: DIR, value: deep}, {name: EMPTY}]\n    resources: {limits: {cpu: 1500m}}\n    volumeMounts: [{name: v, " + test.mount + "}]\n  volumes: [{name: v, " + test.volume + "}]\n"
			files, err := newSnapshot().Files(parsePod(t, text), "main")
			got := contents{}
			for path, f := range files {
				got[path] = string(f.Content) + " " + octal(f.Mode)
			}
			checkResult(t, test.want, got, err, test.errorText)
		})
	}
}

// A mount hides what another mount has under its path, in any order of the mounts. The
// variables of the container do not matter if no subPathExpr uses them.
func TestNestedMounts(t *testing.T) {
	nested := parsePod(t, "  containers: [{name: main, envFrom: [{secretRef: {name: none}}], volumeMounts: [{name: e, mountPath: /c/deep}, {name: v, mountPath: /c}, {name: s, mountPath: /c/b, subPath: k}]}]\n"+
		"  volumes: [{name: e, emptyDir: {}}, {name: s, secret: {secretName: o}}, {name: v, configMap: {name: o, items: [{key: a, path: deep/x}, {key: b, path: b}, {key: a, path: deeper/x}]}}]\n")
	files, err := newSnapshot().Files(nested, "main")
	got := map[string]string{}
	for path, f := range files {
		got[path] = string(f.Content)
	}
	checkResult(t, map[string]string{"/c/b": "s3", "/c/deeper/x": "1"}, got, err, "")
}

func TestMountOfAMissingVolume(t *testing.T) {
	pod := parsePod(t, "  containers: [{name: main, volumeMounts: [{name: absent, mountPath: /x}]}]\n")
	if _, err := newSnapshot().Files(pod, "main"); err == nil || !strings.Contains(err.Error(), "no such volume") {
		t.Errorf("the error is %v, want one that the volume does not exist", err)
	}
}

// octal returns permission bits as three octal digits.
func octal(mode int32) string {
	return string(rune('0'+mode>>6&7)) + string(rune('0'+mode>>3&7)) + string(rune('0'+mode&7))
}
