package inproc_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"searchd/hf"
	"searchd/hf/hftest"
	"searchd/hf/inproc"
)

func withHash() (*inproc.Provider, *hftest.Model) {
	m := hftest.NewModel(hftest.Options{})
	return inproc.New(hftest.Set{m}), m
}

func faultOf(err error) hf.Fault {
	var e *hf.CallError
	if errors.As(err, &e) {
		return e.Fault
	}
	return ""
}

func TestRefuses(t *testing.T) {
	p, _ := withHash()
	text := []string{"a text of some words"}
	for _, tt := range []struct {
		name  string
		call  hf.Call
		fault hf.Fault
		says  string
	}{
		{"generation", hf.Call{Task: hf.TextGeneration, Inputs: text}, hf.FaultUnsupport, "searchd provider add huggingface --name"},
		{"translation", hf.Call{Task: hf.Translation, Inputs: text}, hf.FaultUnsupport, "does not translate: configure a provider"},
		{"another task", hf.Call{Task: "fill-mask", Inputs: text}, hf.FaultUnsupport, "fill-mask"},
		{"a long task", hf.Call{Task: hf.Task(strings.Repeat("x", 9999))}, hf.FaultUnsupport, "xxx…"},
		{"unknown embedding model", hf.Call{Task: hf.FeatureExtraction, Model: "a/b", Inputs: text}, hf.FaultNotServed, "searchd model list"},
		{"nothing to embed", hf.Call{Task: hf.FeatureExtraction}, hf.FaultInvalid, "no text"},
		{"unknown summary model", hf.Call{Task: hf.Summarization, Model: "a/b", Inputs: text}, hf.FaultNotServed, "a/b"},
		{"nothing to summarise", hf.Call{Task: hf.Summarization}, hf.FaultInvalid, "no text"},
		{"empty text", hf.Call{Task: hf.Summarization, Inputs: []string{"good", " \n\u00a0"}}, hf.FaultInvalid, "text 1 is empty"},
		{"too long a text", hf.Call{Task: hf.Summarization, Inputs: []string{strings.Repeat("word ", 4<<20)}}, hf.FaultInvalid, "in parts"},
		{"no words", hf.Call{Task: hf.Summarization, Inputs: text, Params: hf.Params{MaxTokens: ptr(0)}}, hf.FaultInvalid, "max_length"},
		{"negative words", hf.Call{Task: hf.Summarization, Inputs: text, Params: hf.Params{MinTokens: ptr(-1)}}, hf.FaultInvalid, "min_length"},
		{"more than all", hf.Call{Task: hf.Summarization, Inputs: text, Params: hf.Params{MaxTokens: ptr(5), MinTokens: ptr(6)}}, hf.FaultInvalid, "min_length"},
		{"unknown classifier", hf.Call{Task: hf.TextClassification, Model: "a/b", Inputs: text}, hf.FaultNotServed, "searchd model list"},
		{"nothing to classify", hf.Call{Task: hf.TextClassification}, hf.FaultInvalid, "no text"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := p.Do(t.Context(), tt.call)
			if got := faultOf(err); got != tt.fault {
				t.Fatalf("fault %q of %v, want %q", got, err, tt.fault)
			}
			if !strings.Contains(err.Error(), tt.says) || len(err.Error()) > 300 {
				t.Errorf("it says %q, which lacks %q or is long", err, tt.says)
			}
		})
	}
}

func TestStreamYieldsOneError(t *testing.T) {
	p, _ := withHash()
	n := 0
	for d, err := range p.Stream(t.Context(), hf.Call{Task: hf.TextGeneration, Inputs: []string{"go on"}}) {
		n++
		if faultOf(err) != hf.FaultUnsupport || d != (hf.Delta{}) {
			t.Errorf("it yields %v, %v", d, err)
		}
	}
	if n != 1 {
		t.Errorf("it yields %d times", n)
	}
}

func TestEmbed(t *testing.T) {
	p, m := withHash()
	texts := []string{"one text", "another"}
	want, err := m.Embed(t.Context(), hf.Document, texts)
	if err != nil {
		t.Fatal(err)
	}
	got := do(t, p, hf.Call{Task: hf.FeatureExtraction, Inputs: texts})
	if diff := cmp.Diff([][]float32{want[0].Vector, want[1].Vector}, got.Vectors); diff != "" {
		t.Error(diff)
	}
	if got.Model != m.Card().ID || got.Usage.PromptTokens != want[0].Tokens+want[1].Tokens {
		t.Errorf("model %q, %d tokens", got.Model, got.Usage.PromptTokens)
	}
}

func TestModelFails(t *testing.T) {
	p, m := withHash()
	cause := errors.New("broken")
	m.Fail(cause)
	long := strings.Repeat("some words. ", 100)
	for _, task := range []hf.Task{hf.FeatureExtraction, hf.Summarization} {
		_, err := p.Do(t.Context(), hf.Call{Task: task, Inputs: []string{long}})
		if faultOf(err) != hf.FaultServer || !errors.Is(err, cause) {
			t.Errorf("%s: %v", task, err)
		}
	}
	if _, _, err := p.Answer(t.Context(), "why?", []inproc.Passage{{Text: long}}); !errors.Is(err, cause) {
		t.Errorf("answer: %v", err)
	}
}

func TestCancelled(t *testing.T) {
	p, _ := withHash()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	long := strings.Repeat("some words. ", 100)
	for _, task := range []hf.Task{hf.FeatureExtraction, hf.Summarization, hf.TextClassification} {
		if _, err := p.Do(ctx, hf.Call{Task: task, Inputs: []string{long}}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", task, err)
		}
	}
	for _, err := range p.Stream(ctx, hf.Call{Task: hf.TextGeneration}) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("stream: %v", err)
		}
	}
}
