package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"text/tabwriter"

	"github.com/spf13/pflag"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/faultproxy"
)

const faultUsage = `interlink-sim fault --kubeconfig FILE --write-kubeconfig FILE [--listen ADDRESS] [--http1] [--all] [--fail RULE]...

Runs a proxy in front of the API server of a kubeconfig, writes a kubeconfig for the proxy, and fails the calls that
the rules name. Give the written kubeconfig to a plugin, or to any other client. Each call that fails is printed.
Ctrl-C stops the proxy.

The proxy uses the credentials of --kubeconfig for all its clients. The written file contains the token that the proxy
asks for: a person who has it has these credentials while the proxy runs.

A rule is VERB RESOURCE [in NAMESPACE] [#N|#N-M|#N-]: FAULT

  POST pods #2: 503                          the second create of a pod
  DELETE pods: stall                         every delete of a pod
  GET pods/log #1-3: reset-before            the first three logs
  WATCH pods: 410                            every watch of pods
  * * in offloading-demo #5: html-200        the fifth call for this namespace

VERB is GET (of one object), LIST, WATCH, POST, PUT, PATCH, DELETE, or * for all of these but LIST and WATCH. The first
rule that has a call decides. FAULT is one of:

`

func faultCommand(s streams) command {
	var kubeconfig, write, listen string
	var http1, all bool
	var rules []string
	return command{
		usage: faultUsage + faultList(),
		flags: func(f *pflag.FlagSet) {
			f.StringVar(&kubeconfig, "kubeconfig", "", "kubeconfig of the API server")
			f.StringVar(&write, "write-kubeconfig", "", "file for the kubeconfig of the proxy")
			f.StringVar(&listen, "listen", "127.0.0.1:0", "address of the proxy; port 0: any free port")
			f.BoolVar(&http1, "http1", false, "offer HTTP/1.1 only, not HTTP/2")
			f.BoolVar(&all, "all", false, "print each call, not only those that fail")
			f.StringArrayVar(&rules, "fail", nil, "a rule; can be repeated")
		},
		run: func(ctx context.Context, args []string) error {
			switch {
			case len(args) > 0:
				return invalidf("unexpected argument %q", args[0])
			case kubeconfig == "" || write == "":
				return invalidf("--kubeconfig and --write-kubeconfig are needed")
			}
			options := faultproxy.Options{Listen: listen, HTTP1: http1}
			for _, text := range rules {
				rule, err := faultproxy.ParseRule(text)
				if err != nil {
					return invalidf("--fail: %w", err)
				}
				options.Rules = append(options.Rules, rule)
			}
			var mu sync.Mutex
			options.Seen = func(c faultproxy.Call) {
				if all || c.Fault != "" {
					mu.Lock()
					defer mu.Unlock()
					_, _ = fmt.Fprintln(s.out, shownCall(c))
				}
			}
			return runProxy(ctx, kubeconfig, write, options, s)
		},
	}
}

func runProxy(ctx context.Context, kubeconfig, write string, options faultproxy.Options, s streams) error {
	var err error
	if options.Server, err = clientcmd.BuildConfigFromFlags("", kubeconfig); err != nil {
		return err
	}
	proxy, err := faultproxy.Start(options)
	if err != nil {
		return err
	}
	defer proxy.Close() //nolint:errcheck // the process ends
	if err := os.WriteFile(write, proxy.Kubeconfig(), 0o600); err != nil {
		return err
	}
	defer os.Remove(write) //nolint:errcheck // it is of no use any more
	_, _ = fmt.Fprintf(s.out, "the proxy listens; its kubeconfig is %s\n", write)
	<-ctx.Done()
	return nil
}

// shownCall returns a call as one line.
func shownCall(c faultproxy.Call) string {
	object := strings.Trim(c.Namespace+"/"+c.Name, "/")
	return strings.TrimRight(fmt.Sprintf("%-10s %-30s %s", cmp.Or(c.Fault, "-"), c.String(), object), " ")
}

func faultList() string {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, f := range faultproxy.Faults() {
		_, _ = fmt.Fprintf(table, "  %s\t%s\n", f.Name, f.Help)
	}
	_ = table.Flush() // a strings.Builder returns no error
	return text.String()
}
