package plugin

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"k8s.io/client-go/kubernetes"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/admin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/cluster"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/console"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/nstemplate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
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

// Review is what a check of the configuration and of the remote cluster found.
type Review struct {
	// Server is the version of the remote API server.
	Server string
	// Namespace is the only remote namespace; empty if there can be many.
	Namespace   string
	Permissions []ReviewedPermission
	Classes     []ReviewedClass
	// Namespaces says what is different in the remote namespaces that exist. Notices says what the plugin does with
	// this configuration.
	Namespaces, Notices []string
}

// ReviewedPermission is a permission, and whether the account has it.
type ReviewedPermission struct {
	cluster.Permission
	Allowed bool
	// Reason says why it is not allowed, in the words of the remote API server; mostly empty.
	Reason string
}

// ReadFiles reads the files that the configuration names, and returns the first mistake in one.
func ReadFiles(cfg config.Config) error {
	_, _, err := readFiles(cfg)
	return err
}

func readFiles(cfg config.Config) (*nstemplate.Template, translate.Options, error) {
	template, err := NamespaceTemplate(cfg)
	if err != nil {
		return nil, translate.Options{}, err
	}
	options, err := ReadTranslateOptions(cfg)
	if err != nil {
		return nil, options, err
	}
	if cfg.App.AdminTokenFile != "" {
		if _, err := admin.CheckTokenFile(cfg.App.AdminTokenFile); err != nil {
			return nil, options, fmt.Errorf("[app] admin_token_file: %w", err)
		}
	}
	return template, options, nil
}

// NewReview connects to the remote cluster and asks it for every permission that the
// plugin needs, which of the classes exist that the configuration names, and what is different
// in the remote namespaces that exist. It changes nothing.
func NewReview(ctx context.Context, cfg config.Config, client kubernetes.Interface) (*Review, error) {
	template, options, err := readFiles(cfg)
	if err != nil {
		return nil, err
	}
	remote := cluster.NewReviewer(client)
	r := &Review{Namespace: cfg.Offloading.Namespace}
	if r.Server, err = remote.Version(ctx); err != nil {
		return nil, err
	}
	classes := classesOf(options)
	for _, permission := range append(RequiredPermissions(cfg, template), classPermissions(classes)...) {
		allowed, reason, err := remote.Allowed(ctx, permission)
		if err != nil {
			return nil, err
		}
		r.Permissions = append(r.Permissions, ReviewedPermission{permission, allowed, reason})
	}
	if r.Classes, err = reviewClasses(ctx, classes, remote); err != nil {
		return nil, err
	}
	if r.Namespaces, err = reviewNamespaces(ctx, cfg, template, remote); err != nil {
		return nil, err
	}
	r.Notices = []string{"mesh: " + meshNotice(cfg.Mesh), rulesNotice(options)}
	if trouble := tunnelNotice(cfg); trouble != "" {
		r.Notices = append(r.Notices, "tunnels: "+trouble)
	}
	r.Notices = append(r.Notices, versionNotices(r.Server)...)
	return r, nil
}

// Where says in which namespaces the permissions are needed.
func (r *Review) Where() string {
	if r.Namespace != "" {
		return "in namespace " + r.Namespace
	}
	return "in all namespaces"
}

// Err returns an error of kind Refused if a permission or a class is missing.
func (r *Review) Err() error {
	permissions := 0
	for _, p := range r.Permissions {
		if !p.Allowed && !p.Optional {
			permissions++
		}
	}
	if permissions > 0 {
		return errdefs.New(errdefs.Refused, "permissions missing %s: %d", r.Where(), permissions)
	}
	return r.ClassesErr()
}

// ClassesErr returns an error of kind Refused if a class is missing.
func (r *Review) ClassesErr() error {
	var missing []string
	for _, c := range r.Classes {
		if c.State == ClassMissing {
			missing = append(missing, c.Resource+" "+c.Name)
		}
	}
	if len(missing) > 0 {
		return errdefs.New(errdefs.Refused, "classes missing in the remote cluster: %s; create them there, or correct the options that name them", strings.Join(missing, ", "))
	}
	return nil
}

// Check writes a [Review] to w as text. The error is that of [Review.Err].
func Check(ctx context.Context, cfg config.Config, client kubernetes.Interface, w io.Writer) error {
	r, err := NewReview(ctx, cfg, client)
	if err != nil {
		return err
	}
	if err := r.writeText(w); err != nil {
		return err
	}
	return r.Err()
}

// writeText writes what --check prints.
func (r *Review) writeText(w io.Writer) error {
	var text strings.Builder
	fmt.Fprintf(&text, "remote API server %s, permissions %s:\n\n", r.Server, r.Where())
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, p := range r.Permissions {
		result := "yes"
		switch {
		case p.Allowed:
		case p.Optional:
			result = "no (optional)"
		default:
			result = "MISSING"
			if p.Reason != "" {
				result += ": " + console.Line(p.Reason)
			}
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", p.Verb, p.Resource, purpose(p.Permission, r.Namespace), result)
	}
	_ = table.Flush() // a strings.Builder returns no error
	if len(r.Classes) > 0 {
		text.WriteString("\n")
	}
	for _, c := range r.Classes {
		fmt.Fprintf(&text, "%s %s (%s): %s\n", c.Resource, c.Name, strings.Join(c.Options, ", "), c.State)
	}
	for _, lines := range [][]string{r.Namespaces, r.Notices} {
		if len(lines) > 0 {
			text.WriteString("\n" + strings.Join(lines, "\n") + "\n")
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
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
