package plugin

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"k8s.io/client-go/kubernetes"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/admin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/nstemplate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/tunnel"
)

// RequiredPermissions returns the permissions that the plugin needs in the remote
// cluster with this configuration. template is the result of [NamespaceTemplate].
func RequiredPermissions(cfg config.Config, template *nstemplate.Template) []cluster.Permission {
	namespace := cfg.Offloading.Namespace
	permissions := withTemplate(cluster.RequiredPermissions(namespace), template)
	if cfg.Offloading.OrphanGrace > 0 {
		permissions = append(permissions, cluster.OrphanPermissions(namespace, cfg.LeaseNamespace(), cfg.TCPTunnel.Enabled)...)
	}
	if report := cfg.Offloading.ReportResources; report != config.ReportNothing {
		permissions = append(permissions, cluster.CapacityPermissions(namespace, report == config.ReportNodes)...)
	}
	permissions = append(permissions, cluster.LedgerPermissions(namespace, cfg.LeaseNamespace())...)
	if !cfg.TCPTunnel.Enabled {
		return permissions
	}
	permissions = append(permissions, cluster.TunnelPermissions(namespace)...)
	for _, p := range tunnel.RequiredPermissions() {
		permissions = append(permissions, cluster.Permission{
			Verb: p.Verb, Group: p.Group, Resource: p.Resource, Namespace: cfg.TCPTunnel.BastionNamespace, Why: p.Why,
		})
	}
	return permissions
}

// Check connects to the remote cluster and asks it for every permission that the
// plugin needs. It writes a table to w, which of the classes exist that the configuration names, and
// what is different in the remote namespaces that exist. The error has kind Refused if a permission
// or a class is missing.
func Check(ctx context.Context, cfg config.Config, client kubernetes.Interface, w io.Writer) error {
	namespace := cfg.Offloading.Namespace
	template, err := NamespaceTemplate(cfg)
	if err != nil {
		return err
	}
	options, err := ReadTranslateOptions(cfg)
	if err != nil {
		return err
	}
	if cfg.App.AdminTokenFile != "" {
		if _, err := admin.CheckTokenFile(cfg.App.AdminTokenFile); err != nil {
			return fmt.Errorf("[app] admin_token_file: %w", err)
		}
	}
	remote := cluster.NewReviewer(client)
	version, err := remote.Version(ctx)
	if err != nil {
		return err
	}
	where := "in all namespaces"
	if namespace != "" {
		where = "in namespace " + namespace
	}
	if _, err := fmt.Fprintf(w, "remote API server %s, permissions %s:\n\n", version, where); err != nil {
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	missing := 0
	classes := classesOf(options)
	for _, permission := range append(RequiredPermissions(cfg, template), classPermissions(classes)...) {
		allowed, reason, err := remote.Allowed(ctx, permission)
		if err != nil {
			return err
		}
		result := "yes"
		switch {
		case allowed:
		case permission.Optional:
			result = "no (optional)"
		default:
			missing++
			result = "MISSING"
			if reason != "" {
				result += ": " + reason
			}
		}
		if _, err := fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", permission.Verb, permission.Resource, purpose(permission, namespace), result); err != nil {
			return err
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	missingClasses, err := checkClasses(ctx, classes, remote, w)
	if err != nil {
		return err
	}
	if err := checkNamespaces(ctx, cfg, template, remote, w); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "\nmesh: %s\n%s\n", meshNotice(cfg.Mesh), rulesNotice(options)); err != nil {
		return err
	}
	if trouble := tunnelNotice(cfg); trouble != "" {
		if _, err := fmt.Fprintf(w, "tunnels: %s\n", trouble); err != nil {
			return err
		}
	}
	if missing > 0 {
		return errdefs.New(errdefs.Refused, "permissions missing %s: %d", where, missing)
	}
	if missingClasses > 0 {
		return errdefs.New(errdefs.Refused, "classes missing in the remote cluster: %d", missingClasses)
	}
	return nil
}

// purpose returns what a permission is for, and where it is needed if that is not the
// namespace of the other permissions.
func purpose(permission cluster.Permission, namespace string) string {
	if permission.Namespace == "" && namespace != "" {
		return permission.Why + " (in all namespaces)"
	}
	if permission.Namespace != namespace {
		return permission.Why + " (in namespace " + permission.Namespace + ")"
	}
	return permission.Why
}
