package status_test

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/testkit"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/status"
	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/wire"
)

// TestRequestedFieldsGiveTheSameStatus checks that [status.RequestedFields] has every
// field of a requested pod that the status depends on, over generated pods with all
// their other fields set. It fails if the package reads a field that is not there.
func TestRequestedFieldsGiveTheSameStatus(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	for i := range generated / 40 { // each is as large as a pod can be
		requested, remote := generate(random)
		if random.IntN(4) == 0 {
			requested.Annotations = nil
		}
		requested.Status = randomStatus(random, requested)
		fillEmpty(reflect.ValueOf(requested).Elem())
		if random.IntN(2) == 0 {
			requested.DeletionTimestamp = nil
		}
		if requested.Status.HostIP == "" || len(requested.Spec.Containers[0].Env) == 0 {
			t.Fatal("fields are empty, so the test checks nothing")
		}
		checkRequestedFields(t, i, requested, remote)
	}
}

// The same for the recorded requests, with a remote pod in a random state.
func TestRequestedFieldsOfRecordings(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	for _, recording := range testkit.Recordings(t) {
		if recording.Path != "/status" {
			continue
		}
		var pods []corev1.Pod
		if err := json.Unmarshal(recording.Body, &pods); err != nil {
			t.Fatal(err)
		}
		for i := range pods {
			for range 20 {
				remote := pods[i].DeepCopy()
				remote.Status = randomStatus(random, remote)
				checkRequestedFields(t, recording.Name, &pods[i], remote)
			}
		}
	}
}

// checkRequestedFields checks that a whole pod and its RequestedFields have the same
// status. id names the pod.
func checkRequestedFields(t *testing.T, id any, whole, remote *corev1.Pod) {
	t.Helper()
	text, err := json.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	var fields status.RequestedFields
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	reduced := fields.Pod()
	of := status.Options{DisruptedExitCode: 250}.Of
	for _, r := range []*corev1.Pod{remote, nil} {
		if diff := cmp.Diff(of(whole, r), of(&reduced, r)); diff != "" {
			t.Fatalf("pod %v: the status differs (-whole +reduced)\n%s%s", id, diff, show(whole, remote))
		}
	}
	if reduced.Name != whole.Name || reduced.Namespace != whole.Namespace || reduced.UID != whole.UID ||
		reduced.Annotations[wire.AnnotationJobID] != whole.Annotations[wire.AnnotationJobID] {
		t.Fatalf("pod %v: what identifies the pod is lost: %+v", id, reduced.ObjectMeta)
	}
}

// fillEmpty gives each empty field of a value a value, at all depths.
func fillEmpty(v reflect.Value) {
	switch v.Interface().(type) {
	case metav1.Time:
		v.Set(reflect.ValueOf(metav1.Unix(7, 0)))
		return
	case metav1.FieldsV1, intstr.IntOrString:
		return // their zero value is valid, and a random one is not
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fillEmpty(v.Field(i))
			}
		}
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		fillEmpty(v.Elem())
	case reflect.Slice:
		if v.Len() == 0 {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		}
		for i := range v.Len() {
			fillEmpty(v.Index(i))
		}
	case reflect.Map:
		if v.Len() == 0 {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fillEmpty(key)
			fillEmpty(value)
			v.Set(reflect.MakeMap(v.Type()))
			v.SetMapIndex(key, value)
		}
	case reflect.String:
		if v.String() == "" {
			v.SetString("x")
		}
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int32, reflect.Int64:
		if v.Int() == 0 {
			v.SetInt(7)
		}
	case reflect.Uint8:
		v.SetUint('x')
	}
}
