package gateway

import (
	"reflect"
	"testing"

	"searchd/hf"
)

func fullCall() hf.Call {
	return hf.Call{
		Task: hf.TextGeneration, Model: "m", Inputs: []string{"a", "b"}, Source: "en", Target: "fr",
		Messages: []hf.Message{{Role: "user", Content: "hello"}},
		Params: hf.Params{
			Temperature: new(0.5), MaxTokens: new(7), MinTokens: new(3), TopP: new(0.9), TopK: new(40), RepetitionPenalty: new(1.1),
			DoSample: new(true), Stop: []string{"x"}, Seed: new(int64(1)),
		},
	}
}

// leaves calls visit with each value below v that can be changed, and its path.
func leaves(t *testing.T, path string, v reflect.Value, visit func(path string, v reflect.Value)) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			leaves(t, path+"."+v.Type().Field(i).Name, v.Field(i), visit)
		}
	case reflect.Slice, reflect.Pointer:
		if v.IsNil() {
			t.Fatalf("%s: give it a value in fullCall", path)
		}
		if v.Kind() == reflect.Slice {
			leaves(t, path+"[0]", v.Index(0), visit)
		} else {
			leaves(t, path+"*", v.Elem(), visit)
		}
		visit(path+" to none", v)
	default:
		visit(path, v)
	}
}

func change(t *testing.T, path string, v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(v.String() + "!")
	case reflect.Float64:
		v.SetFloat(v.Float() + 0.001)
	case reflect.Int, reflect.Int64:
		v.SetInt(v.Int() + 1)
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Slice, reflect.Pointer:
		v.SetZero()
	default:
		t.Fatalf("%s: a %s, which this test cannot change; add it here and in keyOf", path, v.Kind())
	}
}

// Each field, also one that is added later, has to count: an answer to another call must not come from the cache.
func TestEveryFieldOfACallIsInItsKey(t *testing.T) {
	at := Target{Provider: "p", Type: "t"}
	seen := map[key]string{keyOf(at, fullCall()): "the call itself"}
	var paths []string
	first := fullCall()
	leaves(t, "Call", reflect.ValueOf(&first).Elem(), func(path string, _ reflect.Value) { paths = append(paths, path) })
	for _, path := range paths {
		c := fullCall()
		leaves(t, "Call", reflect.ValueOf(&c).Elem(), func(p string, v reflect.Value) {
			if p == path {
				change(t, p, v)
			}
		})
		k := keyOf(at, c)
		if other, ok := seen[k]; ok {
			t.Errorf("%s changed, and the key is still that of: %s", path, other)
		}
		seen[k] = path
	}
	if len(paths) < 20 {
		t.Errorf("only %d values were changed: %v", len(paths), paths)
	}
}

func TestKeysTellCallsApart(t *testing.T) {
	at := Target{Provider: "p", Type: "t"}
	same := keyOf(at, fullCall())
	if keyOf(at, fullCall()) != same {
		t.Error("equal calls have different keys")
	}
	for name, k := range map[string]key{
		"provider":                     keyOf(Target{Provider: "q", Type: "t"}, fullCall()),
		"type":                         keyOf(Target{Provider: "p", Type: "u"}, fullCall()),
		"letter from provider to type": keyOf(Target{Provider: "", Type: "pt"}, fullCall()),
	} {
		if k == same {
			t.Errorf("another %s, and the same key", name)
		}
	}
	moved := [][2]hf.Call{
		{{Inputs: []string{"ab"}}, {Inputs: []string{"a", "b"}}},
		{{Inputs: []string{"a", ""}}, {Inputs: []string{"", "a"}}},
		{{Source: "en"}, {Target: "en"}},
		{{Params: hf.Params{MaxTokens: new(0)}}, {}},
		{{Params: hf.Params{MaxTokens: new(5)}}, {Params: hf.Params{MinTokens: new(5)}}},
		{{Params: hf.Params{Temperature: new(0.5)}}, {Params: hf.Params{TopP: new(0.5)}}},
		{{Messages: []hf.Message{{Role: "user", Content: "x"}}}, {Messages: []hf.Message{{Role: "use", Content: "rx"}}}},
	}
	for i, pair := range moved {
		if keyOf(at, pair[0]) == keyOf(at, pair[1]) {
			t.Errorf("pair %d has one key", i)
		}
	}
}
