package tasks_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"searchd/hf"
	"searchd/hf/hftest"
	"searchd/models"
	"searchd/tasks"
)

// A long text is summarised in parts, of which none is longer than a model reads, and the parts' summaries once more.
func TestLongSummary(t *testing.T) {
	f := open(t, quick)
	s := f.provide("hf", hftest.Router, models.ProviderConfig{})
	var text strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&text, "Sentence %d is here. ", i)
	}
	const most = 40
	made, done, err := f.Summarize(t.Context(), tasks.Ask{Provider: "hf", Model: hftest.SummaryModel}, tasks.Shorten{Text: text.String(), Most: most})
	must(t, err)
	var sent strings.Builder
	list := s.Requests()
	for i, r := range list {
		part := r.Fields()["inputs"].(string)
		if len(part) > 3500 {
			t.Errorf("part %d has %d bytes", i, len(part))
		}
		sent.WriteString(part)
	}
	for i := range 3000 {
		if !strings.Contains(sent.String(), fmt.Sprintf("Sentence %d ", i)) {
			t.Fatalf("sentence %d was not read", i)
		}
	}
	if made.SummaryLength != most || made.OriginalLength != 12000 || made.Ratio != 0 || done.Attempts != len(list) || len(list) < 19 {
		t.Errorf("%d of %d words, ratio %v, %d attempts, %d requests", made.SummaryLength, made.OriginalLength, made.Ratio, done.Attempts, len(list))
	}
	if done.Usage.PromptCharacters < text.Len() {
		t.Errorf("usage %+v", done.Usage)
	}
	for field, w := range map[string]tasks.Shorten{
		"text": {Text: " \n", Most: 5}, "max_length": {Text: "a", Most: 0}, "min_length": {Text: "a", Most: 2, Least: 3}, "style": {Text: "a", Most: 2, Style: "social"},
	} {
		if _, _, err := f.Summarize(t.Context(), tasks.Ask{Provider: "hf"}, w); fieldOf(err) != field {
			t.Errorf("%+v: %v, want an error about %s", w, err, field)
		}
	}
}

// A long translation keeps every part, and the breaks between them.
func TestLongTranslation(t *testing.T) {
	f := open(t, quick)
	s := f.provide("hf", hftest.Router, models.ProviderConfig{})
	paragraph := strings.Repeat("The bread is fresh. ", 50)
	text := strings.TrimSpace(paragraph) + "\n\n" + strings.TrimSpace(paragraph)
	made, done, err := f.Translate(t.Context(), tasks.Ask{Provider: "hf", Model: hftest.TranslationModel}, text, "en", "fr")
	must(t, err)
	if n := len(s.Requests()); n != 2 || done.Attempts != 2 || strings.ReplaceAll(made.Text, "[en>fr] ", "") != text {
		t.Errorf("%d requests: %q", n, made.Text)
	}
	for field, languages := range map[string][2]string{"target": {"en", ""}, "source": {"", "fr"}} {
		if _, _, err := f.Translate(t.Context(), tasks.Ask{Provider: "hf", Model: hftest.TranslationModel}, text, languages[0], languages[1]); fieldOf(err) != field {
			t.Errorf("languages %q: %v, want an error about %s", languages, err, field)
		}
	}
}

// One model that fails fails alone, and nothing stands in for it. All are asked at the same time.
func TestCompare(t *testing.T) {
	records := store(t)
	synctest.Test(t, func(t *testing.T) {
		f := openOn(t, records)
		f.provide("other", hftest.OpenAI, chats)
		s := f.provide("hf", hftest.TGI, models.ProviderConfig{FallbackProviders: []string{"other"}})
		s.Next(2, hftest.Slow(time.Minute-time.Second))
		s.Next(1, hftest.NoCredits())
		start := time.Now()
		results, err := f.Compare(t.Context(), tasks.Ask{Provider: "hf", Fallbacks: []string{"d"}}, tasks.Prompt{Text: hello}, []string{"a", "b", "c", "a"})
		must(t, err)
		failed := 0
		for name, r := range results {
			switch {
			case faultOf(r.Err) == hf.FaultCredits:
				failed++
			case r.Err != nil || r.Completion.Text != "You said: "+hello || r.Done.Attempts != 1 || r.Done.Model != name:
				t.Errorf("%s: %+v", name, r)
			}
		}
		total := tasks.Together(results)
		if failed != 1 || len(results) != 3 || time.Since(start) > time.Minute || total.Attempts != 3 || total.Model != "a, b, c" || total.Provider != "hf" {
			t.Errorf("%d of %d failed in %v: %+v", failed, len(results), time.Since(start), total)
		}
	})
}

// What a request does not say comes from the provider's configuration, then from the task's preset; what a model does not
// take is left out and noted, for the model that answers.
func TestConfigUsed(t *testing.T) {
	f := open(t, quick)
	config := models.ProviderConfig{DefaultModel: "EleutherAI/gpt-neo-2.7B", Temperature: ptr(0.5), MaxTokens: ptr(77)}
	s := f.provide("p", hftest.TGI, config)
	for name, tt := range map[string]struct {
		prompt      tasks.Prompt
		model       string
		temperature float64
		tokens      int
		notes       int
	}{
		"configured":                {tasks.Prompt{Text: hello}, "", 0.5, 77, 0},
		"asked for":                 {tasks.Prompt{Text: hello, Params: hf.Params{Temperature: ptr(1.0), MaxTokens: ptr(9)}}, "", 1, 9, 0},
		"a quality":                 {tasks.Prompt{Text: hello, Quality: "premium"}, "", 0.5, 512, 0},
		"a model that stops itself": {tasks.Prompt{Text: hello, Params: hf.Params{Stop: []string{"x"}}}, "facebook/blenderbot-400M-distill", 0.5, 77, 1},
	} {
		made, _, err := f.Complete(t.Context(), tasks.Ask{Provider: "p", Model: tt.model, NoCache: true}, tt.prompt)
		if err != nil || *made.Config.Temperature != tt.temperature || *made.Config.MaxTokens != tt.tokens || len(made.Notes) != tt.notes || made.Selected {
			t.Errorf("%s: %+v %v", name, made, err)
			continue
		}
		list := s.Requests()
		sent := list[len(list)-1].Fields()["parameters"].(map[string]any)
		if sent["temperature"] != tt.temperature || sent["max_new_tokens"] != float64(tt.tokens) || (sent["stop"] != nil) != (tt.notes == 0 && tt.prompt.Params.Stop != nil) {
			t.Errorf("%s: sent %v", name, sent)
		}
	}
	bare := f.provide("bare", hftest.TGI, models.ProviderConfig{})
	for kind, preset := range map[string][2]float64{"conversation": {0.8, 512}, "summarization": {0.3, 150}, "sentiment": {0.1, 50}, "code": {0.2, 800}, "creative": {0.9, 1000}} {
		_, _, err := f.Complete(t.Context(), tasks.Ask{Provider: "bare"}, tasks.Prompt{Text: hello, TaskType: kind})
		must(t, err)
		list := bare.Requests()
		if sent := list[len(list)-1].Fields()["parameters"].(map[string]any); sent["temperature"] != preset[0] || sent["max_new_tokens"] != preset[1] {
			t.Errorf("%s: sent %v", kind, sent)
		}
	}
}

// A provider's record: its key is sealed, kept where it is not given, and not sent elsewhere.
func TestProviderRecord(t *testing.T) {
	f := open(t, quick)
	s := f.provide("p", hftest.OpenAI, chats)
	kept, err := f.db.Provider(t.Context(), "p")
	must(t, err)
	if strings.Contains(kept.SealedKey, "Secret") || kept.SealedKey == "" || kept.KeyHint != "hf_…9876" {
		t.Errorf("kept as %q, shown as %q", kept.SealedKey, kept.KeyHint)
	}
	asked := func() hf.Fault {
		_, _, err := f.Complete(t.Context(), tasks.Ask{Provider: "p", NoCache: true}, tasks.Prompt{Text: hello})
		return faultOf(err)
	}
	change := func(key *string, change func(*models.Provider)) error {
		p, err := f.db.Provider(t.Context(), "p")
		must(t, err)
		change(&p)
		_, err = f.ChangeProvider(t.Context(), p, key)
		return err
	}
	must(t, change(nil, func(p *models.Provider) { p.Name = "renamed" }))
	if fault := asked(); fault != "" {
		t.Errorf("renamed: %s", fault)
	}
	must(t, change(ptr("wrong"), func(*models.Provider) {}))
	if fault := asked(); fault != hf.FaultKey {
		t.Errorf("with a wrong key: %q", fault)
	}
	for field, try := range map[string]func(*models.Provider){
		"configuration.api_key":               func(p *models.Provider) { p.APIEndpoint = "http://elsewhere.test" },
		"configuration.fallback_providers[0]": func(p *models.Provider) { p.Configuration.FallbackProviders = []string{"nobody"} },
		"configuration.fallback_providers[1]": func(p *models.Provider) { p.Configuration.FallbackProviders = []string{"local", "p"} },
		"configuration.fallback_providers":    func(p *models.Provider) { p.Configuration.FallbackProviders = make([]string, 6) },
		"name":                                func(p *models.Provider) { p.Name = "" },
	} {
		if err := change(nil, try); fieldOf(err) != field {
			t.Errorf("%v, want an error about %s", err, field)
		}
	}
	must(t, change(ptr(testKey), func(p *models.Provider) { p.Configuration.FallbackProviders = []string{"local"} }))
	probe, _, err := f.TestProvider(t.Context(), "p")
	if err != nil || !probe.OK() || len(probe.Trials) != 3 {
		t.Errorf("%+v, %v", probe, err)
	}
	s.Next(1, hftest.BadKey())
	if probe, _, err = f.TestProvider(t.Context(), "p"); err != nil || probe.OK() || probe.Trials[0].Fault != hf.FaultKey || probe.Trials[0].Advice == "" {
		t.Errorf("%+v, %v", probe, err)
	}
}

// The whole has a deadline, whatever the attempts are allowed.
func TestDeadline(t *testing.T) {
	records := store(t)
	synctest.Test(t, func(t *testing.T) {
		f := openOn(t, records)
		s := f.provide("p", hftest.OpenAI, chats)
		s.Next(10, hftest.Hang())
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		_, _, err := f.Complete(ctx, tasks.Ask{Provider: "p", Timeout: 4 * time.Minute}, tasks.Prompt{Text: hello})
		if faultOf(err) != hf.FaultTimeout || time.Since(start) != 5*time.Minute {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}
