package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/apiserver"
	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
)

// apply creates what --fix prints, as an administrator.
func apply(t *testing.T, server *apiserver.Server, manifests string) (kinds []string) {
	t.Helper()
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(manifests), 4096)
	for {
		var raw json.RawMessage
		if err := decoder.Decode(&raw); errors.Is(err, io.EOF) {
			return kinds
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, manifests)
		}
		if len(raw) == 0 {
			continue // a comment
		}
		var meta metav1.PartialObjectMetadata
		if err := json.Unmarshal(raw, &meta); err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, meta.Kind)
		err := errors.New(meta.Kind + " is no kind that --fix may print")
		strict := func(object any) {
			if decodeErr := yaml.UnmarshalStrict(raw, object); decodeErr != nil {
				t.Error(decodeErr)
			}
		}
		rbac, options := server.Client.RbacV1(), metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict}
		switch meta.Kind {
		case "Namespace":
			object := &corev1.Namespace{}
			strict(object)
			_, err = server.Client.CoreV1().Namespaces().Create(t.Context(), object, options)
		case "Role":
			object := &rbacv1.Role{}
			strict(object)
			_, err = rbac.Roles(object.Namespace).Create(t.Context(), object, options)
		case "RoleBinding":
			object := &rbacv1.RoleBinding{}
			strict(object)
			_, err = rbac.RoleBindings(object.Namespace).Create(t.Context(), object, options)
		case "ClusterRole":
			object := &rbacv1.ClusterRole{}
			strict(object)
			_, err = rbac.ClusterRoles().Create(t.Context(), object, options)
		case "ClusterRoleBinding":
			object := &rbacv1.ClusterRoleBinding{}
			strict(object)
			_, err = rbac.ClusterRoleBindings().Create(t.Context(), object, options)
		}
		if err != nil && !apierrors.IsAlreadyExists(err) {
			t.Fatalf("%v in\n%s", err, manifests)
		}
	}
}

// What check --fix prints makes check green once an administrator has applied it, for a user without any permission:
// in all namespaces, and in single ones.
func TestFixMakesTheCheckGreen(t *testing.T) {
	server := apiserver.ForTest(t)
	for name, options := range map[string][]string{
		"cluster-wide":     nil,
		"single-namespace": {"--offloading-namespace", "fix-offloading"},
		"more": {"--offloading-namespace", "fix-more", "--app-lease-namespace", "fix-lease", "--offloading-report-resources", "nodes",
			"--tcp-tunnel-enabled", "--tcp-tunnel-gateway-host=gateway", "--tcp-tunnel-gateway-port=22", "--tcp-tunnel-bastion-namespace", "fix-bastions",
			"--tcp-tunnel-gateway-ssh-private-key=-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk=\n-----END OPENSSH PRIVATE KEY-----"},
	} {
		t.Run(name, func(t *testing.T) {
			user, err := server.AddUser("fix-" + name)
			if err != nil {
				t.Fatal(err)
			}
			content, err := user.KubeConfig()
			if err != nil {
				t.Fatal(err)
			}
			for _, option := range options { // the user may not find out that they do not exist
				if strings.HasPrefix(option, "fix-") {
					namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: option}}
					if _, err := server.Client.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{}); err != nil {
						t.Fatal(err)
					}
				}
			}
			if options == nil { // this user may
				rule := rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"namespaces"}, Verbs: []string{"get"}}
				if err := server.Grant(t.Context(), "fix-"+name, "", rule); err != nil {
					t.Fatal(err)
				}
			}
			file := kubeconfig(t, content)
			check := func(flags ...string) (stdout, stderr string, code int) {
				var out, errs bytes.Buffer
				args := append(append([]string{"check", "--k8s-kubeconfig-path", file}, options...), flags...)
				code = run(t.Context(), args, nil, &out, &errs)
				return out.String(), errs.String(), code
			}
			table, stderr, code := check()
			if code != exitFailed || !strings.Contains(table, "MISSING   grant it (check --fix): run the pod") || !strings.Contains(stderr, "check --fix prints the RBAC manifests") {
				t.Fatalf("before: exit code %d\n%s%s", code, table, stderr)
			}
			required, stderr, code := check("--fix")
			if code != 0 || !strings.Contains(stderr, "optional ones are missing, too: --optional adds them") {
				t.Fatalf("--fix: exit code %d\n%s%s", code, required, stderr)
			}
			kinds := apply(t, server, required)
			eventually := func(what string, good func(table string, code int) bool) {
				t.Helper()
				testkit.EventuallyNoError(t.Context(), t, testkit.Timeout, what, func(context.Context) error {
					table, stderr, code := check()
					if !good(table, code) {
						return fmt.Errorf("exit code %d\n%s%s", code, table, stderr)
					}
					return nil
				})
			}
			eventually("check is green", func(table string, code int) bool { return code == 0 && strings.Contains(table, "optional  ") })
			optional, stderr, code := check("--fix", "--optional")
			if code != 0 || stderr != "" {
				t.Fatalf("--optional: exit code %d\n%s", code, stderr)
			}
			kinds = append(kinds, apply(t, server, optional)...)
			eventually("nothing is missing", func(table string, code int) bool {
				return code == 0 && !strings.Contains(table, "optional  ") && !strings.Contains(table, "MISSING")
			})
			if nothing, _, code := check("--fix", "--optional"); code != 0 || nothing != "# No permission is missing.\n" {
				t.Errorf("exit code %d\n%s", code, nothing)
			}
			if all := fmt.Sprint(kinds); strings.Contains(all, "Cluster") != (name != "single-namespace") || !strings.Contains(all, "Role RoleBinding") ||
				strings.Contains(all, "Namespace") != (options == nil) {
				t.Errorf("the kinds are %s", all)
			}
			document, _, code := check("-o", "json")
			var got reviewDocument
			if err := json.Unmarshal([]byte(document), &got); err != nil || code != 0 || !got.OK || len(got.Checks) < 20 || got.Checks[0].Result != "ok" {
				t.Errorf("exit code %d, %v: %s", code, err, document)
			}
		})
	}
}

func TestMistakesInCheck(t *testing.T) {
	for line, want := range map[string]string{
		"check --fix -o json":                       "--fix prints YAML: leave out -o",
		"check --optional":                          "--optional needs --fix",
		"check -o xml":                              `"xml" is not a format of this command; the formats are table, wide, json, yaml`,
		"check --offloading-claims=/no/rules --fix": "no credentials",
		"check --offloading-placement=/no/rules -o json --k8s-client-configuration={\"host\":\"https://127.0.0.1:1\"} --k8s-kubeconfig={\"clusters\":[{\"name\":\"c\",\"cluster\":{\"server\":\"https://127.0.0.1:1\"}}],\"contexts\":[{\"name\":\"c\",\"context\":{\"cluster\":\"c\",\"user\":\"u\"}}],\"users\":[{\"name\":\"u\",\"user\":{\"token\":\"s3cr3t\"}}],\"current-context\":\"c\"}": "[offloading] placement: open /no/rules",
	} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), strings.Fields(line), nil, &stdout, &stderr); code != exitInvalid || stdout.Len() > 0 ||
			!strings.Contains(stderr.String(), want) || strings.Count(stderr.String(), "\n") != 1 || strings.Contains(stderr.String(), "s3cr3t") {
			t.Errorf("%s: exit code %d, want one line with %q\n%s%s", line, code, want, &stdout, &stderr)
		}
	}
}
