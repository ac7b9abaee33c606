package catalog_test

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"searchd/hf"
	"searchd/hf/bundled"
	"searchd/hf/catalog"
	"searchd/hf/local"
	"searchd/models"
)

var update = flag.Bool("update", false, "write the golden files")

func load(t *testing.T, override string) *catalog.Catalog {
	t.Helper()
	var b []byte
	if override != "" {
		b = []byte(override)
	}
	c, err := catalog.Load(b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func ptr[T any](v T) *T { return &v }

func TestModels(t *testing.T) {
	c := load(t, "")
	want := map[string]string{
		"microsoft/DialoGPT-medium":                        "text-generation",
		"microsoft/DialoGPT-large":                         "text-generation",
		"google/flan-t5-large":                             "text-generation",
		"bigscience/bloom-560m":                            "text-generation",
		"EleutherAI/gpt-neo-2.7B":                          "text-generation",
		"facebook/blenderbot-400M-distill":                 "text-generation",
		"microsoft/codebert-base-mlm":                      "fill-mask",
		"Salesforce/codet5-base":                           "text-generation",
		"microsoft/codebert-base":                          "feature-extraction",
		"sentence-transformers/all-MiniLM-L6-v2":           "feature-extraction",
		"sentence-transformers/all-mpnet-base-v2":          "feature-extraction",
		"sentence-transformers/paraphrase-MiniLM-L6-v2":    "feature-extraction",
		"cardiffnlp/twitter-roberta-base-sentiment-latest": "text-classification",
		"facebook/bart-large-cnn":                          "summarization",
		"google/pegasus-xsum":                              "summarization",
		"Helsinki-NLP/opus-mt-en-fr":                       "translation",
		"nlptown/bert-base-multilingual-uncased-sentiment": "text-classification",
	}
	got := map[string]string{}
	for _, m := range c.All("") {
		got[m.ID] = m.Task
		if same, ok := c.Model(m.ID); !ok || !cmp.Equal(m, same) {
			t.Errorf("Model(%s) is %v, %v", m.ID, same, ok)
		}
		if m.Architecture == "" || m.MaxInputTokens == 0 || m.Task == "feature-extraction" && m.Dimensions == 0 {
			t.Errorf("%+v lacks its architecture, its longest input or its dimensions", m)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n := len(c.All("summarization")); n != 2 {
		t.Errorf("%d models for summarization", n)
	}
	if _, ok := c.Model("no/such"); ok || c.All("no such task") == nil || len(c.All("no such task")) != 0 {
		t.Error("there is a model that is not there")
	}
}

// What the catalogue says of the bundled model is what the model says of itself.
func TestBundledModel(t *testing.T) {
	e, err := bundled.Open(local.Options{})
	if err != nil {
		t.Fatal(err)
	}
	card := e.Card()
	m, ok := load(t, "").Model(card.ID)
	if !ok || !m.RunsAt(catalog.Bundled) {
		t.Fatalf("%s is not in the catalogue as bundled", card.ID)
	}
	want := catalog.Model{ID: card.ID, Task: "feature-extraction", Architecture: card.Architecture, Parameters: m.Parameters, Dimensions: card.Dimensions,
		MaxInputTokens: card.MaxTokens, Licence: card.Licence, Runs: m.Runs, Takes: []string{}}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Error(diff)
	}
	// The published count has a pooling layer that no embedding needs: 0.7 % more.
	if ratio := float64(m.Parameters) / float64(card.Parameters); ratio < 0.99 || ratio > 1.01 {
		t.Errorf("%d parameters, the model has %d", m.Parameters, card.Parameters)
	}
}

func TestModelIsACopy(t *testing.T) {
	c := load(t, "")
	m, _ := c.Model("facebook/bart-large-cnn")
	m.Runs[0], m.Takes[0] = "changed", "changed"
	c.All("")[0].Takes[0] = "changed"
	for _, m := range c.All("") {
		if m.RunsAt("changed") || strings.Join(m.Takes, " ") != strings.ReplaceAll(strings.Join(m.Takes, " "), "changed", "") {
			t.Errorf("%s was changed from outside", m.ID)
		}
	}
}

func TestOverride(t *testing.T) {
	c := load(t, `{
		"models": [
			{"id": "my/chat", "task": "text-generation", "runs": ["openai"], "takes": ["temperature"]},
			{"id": "google/pegasus-xsum", "task": "summarization", "licence": "Apache-2.0", "runs": ["own"], "takes": []}
		],
		"choices": [{"task": "conversation", "model": "my/chat", "reason": "mine"}],
		"presets": {"conversation": {"temperature": 1.5, "max_tokens": 99}},
		"ranges": {"temperature": {"min": 0, "max": 1.5}}
	}`)
	got, err := c.Choose(catalog.Request{Task: "conversation"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(catalog.Choice{Model: "my/chat", Reason: "mine", Temperature: 1.5, MaxTokens: 99}, got); diff != "" {
		t.Error(diff)
	}
	if m, _ := c.Model("google/pegasus-xsum"); m.Licence != "Apache-2.0" || m.Parameters != 0 || len(c.All("")) != 18 {
		t.Errorf("%+v was not replaced, or there are %d models, not 18", m, len(c.All("")))
	}
	if _, _, err := c.Check("my/chat", hf.Params{Temperature: ptr(1.6)}); err == nil {
		t.Error("the range of temperature was not replaced")
	}
	if p, ok := load(t, "").Preset("conversation"); !ok || p.MaxTokens != 512 {
		t.Errorf("an override has changed the catalogue of the binary: %+v", p)
	}
}

func TestLoadRefuses(t *testing.T) {
	for override, says := range map[string]string{
		`{`:                        "unexpected EOF",
		`{} {}`:                    "behind",
		`{"modles": []}`:           "modles",
		`{"models": [{"id":"x"}]}`: "publisher/name",
		`{"models": [{"id":"a/b","task":"chat"}]}`:                                                            "task",
		`{"models": [{"id":"a/b","task":"translation"}]}`:                                                     "runs",
		`{"models": [{"id":"a/b","task":"translation","runs":["moon"]}]}`:                                     "moon",
		`{"models": [{"id":"a/b","task":"translation","runs":["own"],"takes":["salt"]}]}`:                     "salt",
		`{"models": [{"id":"a/b","task":"translation","runs":["own"],"parameters":-1}]}`:                      "negative",
		`{"models": [{"id":"a/b","task":"translation","runs":["own"],"dimensions":3}]}`:                       "dimensions",
		`{"models": [{"id":"a/b","task":"translation","runs":["own"]},{"id":"a/b","task":"chat","runs":[]}]}`: "task",
		`{"choices": [{"task":"code","model":"a/b","reason":"x"}]}`:                                           "a/b",
		`{"choices": [{"task":"poetry","model":"google/pegasus-xsum","reason":"x"}]}`:                         "poetry",
		`{"choices": [{"task":"code","quality":"gold","model":"google/pegasus-xsum","reason":"x"}]}`:          "gold",
		`{"choices": [{"task":"code","model":"google/pegasus-xsum"}]}`:                                        "reason",
		`{"choices": [{"task":"code","style":"odd","long":true,"model":"google/pegasus-xsum","reason":"x"}]}`: "odd",
		`{"presets": {"poetry": {"temperature": 1, "max_tokens": 10}}}`:                                       "poetry",
		`{"presets": {"code": {"temperature": 3, "max_tokens": 10}}}`:                                         "presets.code",
		`{"presets": {"code": {"temperature": 1, "max_tokens": 0}}}`:                                          "presets.code",
		`{"qualities": {"gold": {"max_tokens": 0}}}`:                                                          "gold",
		`{"ranges": {"salt": {"min": 0, "max": 1}}}`:                                                          "salt",
		`{"ranges": {"top_p": {"min": 2, "max": 1}}}`:                                                         "top_p",
		`{"long_characters": -5}`: "long_characters",
	} {
		if _, err := catalog.Load([]byte(override)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want an error with %q", override, err, says)
		}
	}
}

// Every task, style, quality and length, against the file.
func TestChooseGolden(t *testing.T) {
	c := load(t, "")
	styles := map[string][]string{"conversation": {""}, "summarization": {"", "news", "general"}, "sentiment": {"", "social", "general"},
		"code": {"", "generation", "analysis"}, "creative": {""}}
	var b strings.Builder
	for _, task := range []string{"conversation", "summarization", "sentiment", "code", "creative"} {
		for _, style := range styles[task] {
			for _, quality := range []string{"", "basic", "premium"} {
				for _, length := range []int{1000, 1001} {
					got, err := c.Choose(catalog.Request{Task: task, Style: style, Quality: quality, Text: strings.Repeat("é", length)})
					if err != nil {
						t.Fatal(err)
					}
					fmt.Fprintf(&b, "%-13s %-10s %-7s %4d  %-48s %-10s %g/%d\n", task, style, quality, length, got.Model, got.Reason, got.Temperature, got.MaxTokens)
				}
			}
		}
	}
	golden := filepath.Join("testdata", "choices.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("run with -update to take over the new choices:\n%s", diff)
	}
}

func TestChooseRefuses(t *testing.T) {
	c := load(t, "")
	for _, tt := range []struct {
		request     catalog.Request
		field, says string
	}{
		{catalog.Request{}, "task_type", "code, conversation, creative, sentiment, summarization"},
		{catalog.Request{Task: "poetry"}, "task_type", "poetry"},
		{catalog.Request{Task: strings.Repeat("ß", 5000)}, "task_type", "…"},
		{catalog.Request{Task: "code", Quality: "gold"}, "quality", "basic, premium"},
		{catalog.Request{Task: "code", Style: "news"}, "style", "analysis, generation"},
		{catalog.Request{Task: "creative", Style: "news"}, "style", "none"},
	} {
		_, err := c.Choose(tt.request)
		var e *models.Error
		if !errors.As(err, &e) || e.Code != models.Invalid || e.Field != tt.field || !strings.Contains(e.Message, tt.says) || len(e.Message) > 400 {
			t.Errorf("%.80v: %v, want an error about %s with %q", tt.request, err, tt.field, tt.says)
		}
	}
}

func TestCheckKeepsAndDrops(t *testing.T) {
	c := load(t, "")
	all := hf.Params{Temperature: ptr(0.7), MaxTokens: ptr(20), MinTokens: ptr(5), TopP: ptr(0.9), TopK: ptr(40), RepetitionPenalty: ptr(1.2),
		DoSample: ptr(true), Stop: []string{"\n"}, Seed: ptr(int64(7))}
	without := func(change func(*hf.Params)) hf.Params { p := all; change(&p); return p }
	for _, tt := range []struct {
		model string
		give  hf.Params
		want  hf.Params
		notes []string
	}{
		{"not/in-the-catalogue", all, all, nil},
		{"microsoft/DialoGPT-medium", all, without(func(p *hf.Params) { p.MinTokens = nil }), []string{"min_tokens"}},
		{"facebook/bart-large-cnn", all, without(func(p *hf.Params) { p.Stop, p.Seed = nil, nil }), []string{"stop", "seed"}},
		{"microsoft/codebert-base-mlm", all, hf.Params{TopK: ptr(40)},
			[]string{"temperature", "max_tokens", "min_tokens", "top_p", "repetition_penalty", "do_sample", "stop", "seed"}},
		{"nlptown/bert-base-multilingual-uncased-sentiment", all, hf.Params{},
			[]string{"temperature", "max_tokens", "min_tokens", "top_p", "top_k", "repetition_penalty", "do_sample", "stop", "seed"}},
		{"nlptown/bert-base-multilingual-uncased-sentiment", hf.Params{}, hf.Params{}, nil},
	} {
		kept, notes, err := c.Check(tt.model, tt.give)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, kept); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.model, diff)
		}
		if len(notes) != len(tt.notes) {
			t.Fatalf("%s: notes %q, want them about %q", tt.model, notes, tt.notes)
		}
		for i, name := range tt.notes {
			if !strings.HasPrefix(notes[i], name+" ") || !strings.Contains(notes[i], tt.model) {
				t.Errorf("%s: note %q, want one about %s", tt.model, notes[i], name)
			}
		}
	}
	if all.Seed == nil || all.Stop[0] != "\n" {
		t.Error("Check has changed what it was given")
	}
}

func TestCheckRanges(t *testing.T) {
	c := load(t, "")
	for _, tt := range []struct {
		give  hf.Params
		field string // of the error; empty where there is none
	}{
		{hf.Params{Temperature: ptr(0.0)}, ""},
		{hf.Params{Temperature: ptr(2.0)}, ""},
		{hf.Params{Temperature: ptr(7.0)}, "temperature"},
		{hf.Params{Temperature: ptr(-0.1)}, "temperature"},
		{hf.Params{Temperature: ptr(math.NaN())}, "temperature"},
		{hf.Params{Temperature: ptr(math.Inf(1))}, "temperature"},
		{hf.Params{MaxTokens: ptr(1)}, ""},
		{hf.Params{MaxTokens: ptr(0)}, "max_tokens"},
		{hf.Params{MaxTokens: ptr(32768)}, ""},
		{hf.Params{MaxTokens: ptr(32769)}, "max_tokens"},
		{hf.Params{MinTokens: ptr(0)}, ""},
		{hf.Params{MinTokens: ptr(-1)}, "min_tokens"},
		{hf.Params{MinTokens: ptr(9), MaxTokens: ptr(9)}, ""},
		{hf.Params{MinTokens: ptr(9), MaxTokens: ptr(8)}, "min_tokens"},
		{hf.Params{TopP: ptr(0.0)}, "top_p"},
		{hf.Params{TopP: ptr(1.0)}, ""},
		{hf.Params{TopP: ptr(1.1)}, "top_p"},
		{hf.Params{TopK: ptr(0)}, "top_k"},
		{hf.Params{TopK: ptr(1000)}, ""},
		{hf.Params{TopK: ptr(1001)}, "top_k"},
		{hf.Params{RepetitionPenalty: ptr(0.0)}, "repetition_penalty"},
		{hf.Params{RepetitionPenalty: ptr(10.0)}, ""},
		{hf.Params{RepetitionPenalty: ptr(10.1)}, "repetition_penalty"},
		{hf.Params{Stop: []string{"a", "b", "c", "d"}}, ""},
		{hf.Params{Stop: []string{"a", "b", "c", "d", "e"}}, "stop"},
		{hf.Params{Stop: []string{"a", ""}}, "stop[1]"},
		{hf.Params{Stop: []string{strings.Repeat("x", 257)}}, "stop[0]"},
		{hf.Params{Seed: ptr(int64(0))}, ""},
		{hf.Params{Seed: ptr(int64(-1))}, "seed"},
		{hf.Params{Seed: ptr(int64(math.MaxInt64))}, "seed"},
		{hf.Params{DoSample: ptr(false)}, ""},
	} {
		// A model that takes nothing, and one that is not known: the range is the same.
		for _, model := range []string{"microsoft/codebert-base", "not/known"} {
			_, _, err := c.Check(model, tt.give)
			switch {
			case err == nil && tt.field != "":
				t.Errorf("%+v passes, want an error about %s", tt.give, tt.field)
			case err != nil && (err.Field != tt.field || err.Code != models.Invalid || !strings.Contains(err.Message, " to ") && !strings.Contains(err.Message, "max_tokens")):
				t.Errorf("%+v: %v, want an error about %q", tt.give, err, tt.field)
			}
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(`{"models": [{"id": "a/b", "task": "translation", "runs": ["own"], "takes": []}]}`))
	f.Add([]byte(`{"presets": null, "long_characters": 3}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := catalog.Load(b)
		if err != nil {
			return
		}
		for _, task := range []string{"conversation", "summarization", "sentiment", "code", "creative"} {
			choice, err := c.Choose(catalog.Request{Task: task})
			if _, ok := c.Model(choice.Model); err != nil || !ok {
				t.Fatalf("%s: %v, %v", task, choice, err)
			}
		}
	})
}
