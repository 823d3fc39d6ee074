package plugin

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/console"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// The results of a check.
const (
	CheckOK       = "ok"
	CheckOptional = "optional"
	CheckMissing  = "MISSING"
)

// CheckLine is one row of a check.
type CheckLine struct {
	What string `json:"what"`
	// For says what the plugin needs it for.
	For string `json:"for"`
	// Result is one of the constants above. Optional is what is missing, and what the plugin works without.
	Result string `json:"result"`
	// Do says what to do; empty if the result is ok.
	Do string `json:"do"`
}

// Lines returns what was checked, with what to do about it.
func (r *Review) Lines() []CheckLine {
	var lines []CheckLine
	for _, p := range r.Permissions {
		line := CheckLine{What: p.String(), For: purpose(p.Permission, r.Namespace), Result: CheckOK}
		switch {
		case p.Allowed:
		case p.Optional:
			line.Result, line.Do = CheckOptional, "grant it (check --fix --optional)"
		default:
			line.Result, line.Do = CheckMissing, "grant it (check --fix)"
			if p.Reason != "" {
				line.Do += "; the API server says: " + p.Reason
			}
		}
		lines = append(lines, line)
	}
	for _, c := range r.Classes {
		line := CheckLine{What: c.Resource + " " + c.Name, For: strings.Join(c.Options, ", "), Result: CheckOK}
		switch c.State {
		case ClassMissing:
			line.Result, line.Do = CheckMissing, "create it in the remote cluster, or change the option"
		case ClassNotLookedFor:
			line.Result, line.Do = CheckOptional, "grant the permission to look for it (check --fix --optional)"
		case ClassIsNoObject:
			line.Result, line.Do = CheckOptional, "no such object: only volumes that exist can have this class"
		}
		lines = append(lines, line)
	}
	return lines
}

// unknownAccount is the account of --fix if the API server does not say who the plugin is.
const unknownAccount = "REPLACE-WITH-THE-ACCOUNT-OF-THE-PLUGIN"

// Fix returns manifests, as YAML, that give the account what it lacks: the required permissions, and the optional
// ones if optional is true. Namespaces that do not exist, but that a Role is for, come first. count is the number of
// permissions; with 0, there is a comment only.
func (r *Review) Fix(ctx context.Context, client kubernetes.Interface, optional bool) (manifests string, count int, err error) {
	var missing []cluster.Permission
	for _, p := range r.Permissions {
		if !p.Allowed && (optional || !p.Optional) {
			missing = append(missing, p.Permission)
		}
	}
	if len(missing) == 0 {
		return "# No permission is missing.\n", 0, nil
	}
	remote := cluster.NewReviewer(client)
	var text strings.Builder
	account, err := remote.Account(ctx)
	switch kind := errdefs.KindOf(err); {
	case err == nil:
		fmt.Fprintf(&text, "# What the account %s of the plugin lacks. Apply it as an administrator of the remote cluster.\n", console.Line(account))
	case kind == errdefs.Refused || kind == errdefs.NotFound || kind == errdefs.NotYet:
		account = unknownAccount
		fmt.Fprintf(&text, "# What the account of the plugin lacks. Replace %s by its name (%s),\n# then apply it as an administrator of the remote cluster.\n", account, console.Line(err.Error()))
	default:
		return "", 0, err
	}
	grants := cluster.Grants(missing, account)
	add := func(object any) error {
		manifest, err := yaml.Marshal(object)
		text.WriteString("---\n" + string(manifest))
		return err
	}
	for _, g := range grants {
		if g.Namespace == "" {
			continue
		}
		err := remote.OneNamespace(ctx, g.Namespace, func(*corev1.Namespace) {})
		switch {
		case errdefs.Is(err, errdefs.NotFound):
			if err := add(&corev1.Namespace{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"}, ObjectMeta: metav1.ObjectMeta{Name: g.Namespace}}); err != nil {
				return "", 0, err
			}
		case errdefs.Is(err, errdefs.Refused):
			fmt.Fprintf(&text, "# The namespace %s must exist.\n", g.Namespace)
		case err != nil:
			return "", 0, err
		}
	}
	for _, g := range grants {
		for _, object := range []any{g.Role, g.Binding} {
			if err := add(object); err != nil {
				return "", 0, err
			}
		}
	}
	return text.String(), len(missing), nil
}

// Missing returns how many permissions are missing: required ones, and optional ones.
func (r *Review) Missing() (required, optional int) {
	for _, p := range r.Permissions {
		switch {
		case p.Allowed:
		case p.Optional:
			optional++
		default:
			required++
		}
	}
	return required, optional
}
