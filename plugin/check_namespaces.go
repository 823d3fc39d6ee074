package plugin

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/nstemplate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// reviewNamespaces returns what is different in the remote namespaces that exist from one that
// the plugin would create now. The plugin never changes their Pod Security Standard.
func reviewNamespaces(ctx context.Context, cfg config.Config, template *nstemplate.Template, remote cluster.Reviewer) ([]string, error) {
	options := TranslateOptions(cfg)
	level := options.NamespaceSecurity()
	lines := []string{fmt.Sprintf("new remote namespaces have %s=%s", wire.LabelEnforce, level)}
	if why := options.WhyNamespaceSecurity(); why != "" {
		lines[0] += fmt.Sprintf(", because of %s; the plugin accepts only pods that meet %s, apart from what this option permits", why, options.PodSecurity)
	}
	each := remote.EachNamespace
	if cfg.Offloading.NamespacePrefix == "" {
		lines = append(lines, "without a prefix, pods also get into namespaces that the site has created, as these are: without this label, and without the namespace template")
	}
	if name := cfg.Offloading.Namespace; name != "" {
		lines = nil
		each = func(ctx context.Context, each func(*corev1.Namespace)) error {
			return remote.OneNamespace(ctx, name, each)
		}
	}
	err := each(ctx, func(namespace *corev1.Namespace) {
		lines = append(lines, describeNamespace(cfg, template, level, namespace)...)
	})
	switch errdefs.KindOf(err) {
	case "":
	case errdefs.Refused:
		lines = append(lines, "those that exist are not known: "+err.Error())
	default:
		return nil, err
	}
	return lines, nil
}

// describeNamespace returns what is different in one namespace, if pods can get into it.
func describeNamespace(cfg config.Config, template *nstemplate.Template, level config.PodSecurity, namespace *corev1.Namespace) []string {
	own := namespace.Labels[wire.LabelOffloading] == wire.Offloading && namespace.Labels[wire.LabelInstance] == cfg.App.Instance
	single := cfg.Offloading.Namespace != ""
	if !own && !single && !mayBeRemote(cfg, namespace.Name) {
		return nil
	}
	var lines []string
	add := func(format string, args ...any) {
		lines = append(lines, fmt.Sprintf("namespace %s: ", namespace.Name)+fmt.Sprintf(format, args...))
	}
	if enforced := cmp.Or(namespace.Labels[wire.LabelEnforce], "nothing"); enforced != string(level) {
		add("the API server enforces %s (%s), not %s", enforced, wire.LabelEnforce, level)
	}
	switch applied := namespace.Annotations[wire.AnnotationNamespaceTemplate]; {
	case single:
	case !own:
		add("the plugin did not create it, and leaves it as it is, without the namespace template")
	case template != nil && applied == "":
		add("the namespace template is not applied yet; the next pod does it")
	case template != nil && applied != template.Hash():
		add("another namespace template is applied; the next pod changes it")
	}
	return lines
}

// mayBeRemote reports whether a name can be that of the remote namespace of a local one, as
// far as the name shows it: without a prefix, every name can be.
func mayBeRemote(cfg config.Config, name string) bool {
	prefix := cfg.Offloading.NamespacePrefix
	return prefix != "" && strings.HasPrefix(name, prefix+"-") || slices.Contains(cfg.Offloading.NamespacePrefixExclusions, name)
}
