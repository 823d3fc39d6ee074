package main

import (
	"encoding/json"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/config"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/translate"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/bench/bare"
)

// loop creates and deletes pods as requests ask for it, with the bare loop. The remote objects are those of
// the plugin's default configuration, in the namespace of the parameter.
type loop struct{ client kubernetes.Interface }

func (l loop) create(w http.ResponseWriter, r *http.Request) {
	var request wire.CreateRequest
	err := decode(r, &request)
	var objects *translate.Objects
	if err == nil {
		objects, err = translate.ToObjects(&request, options)
	}
	if err == nil {
		bare.Adapt(objects, r.URL.Query().Get("namespace"))
		err = bare.Create(r.Context(), l.client, objects)
	}
	answer(w, err)
}

func (l loop) delete(w http.ResponseWriter, r *http.Request) {
	var pod corev1.Pod
	err := decode(r, &pod)
	if err == nil {
		pod.Namespace, pod.Name = r.URL.Query().Get("namespace"), options.Scope.Name(pod.Name, string(pod.UID))
		err = bare.Delete(r.Context(), l.client, &pod)
	}
	answer(w, err)
}

var options = plugin.TranslateOptions(config.Defaults())

func answer(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_ = json.NewEncoder(w).Encode("done") // the caller would miss it
}
