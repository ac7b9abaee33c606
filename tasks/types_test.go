package tasks_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"searchd/hf"
	"searchd/hf/gateway"
	"searchd/hf/hftest"
	"searchd/models"
	"searchd/tasks"
)

// cell is what a task gives at a type of provider.
type cell struct {
	script []hftest.Trouble // what the server answers in place of its own answers
	want   string
	fault  hf.Fault
}

const (
	tale  = "Once upon a time there was a mill. It stood by a stream."
	cant  = hf.FaultUnsupport
	hello = "Hello there"
)

// Each task at each type of provider: done, done in words by one that only chats, or refused.
func TestEachTaskAtEachType(t *testing.T) {
	records := store(t)
	for _, task := range []struct {
		name string
		do   func(*fixture, tasks.Ask) (string, tasks.Done, error)
		by   map[string]cell
	}{
		{"complete", complete, map[string]cell{
			"huggingface": {want: "You said: " + hello}, "tgi": {want: "You said: " + hello}, "openai": {want: "You said: " + hello},
			"tei": {fault: cant}, "local": {fault: cant},
		}},
		{"stream", stream, map[string]cell{
			"huggingface": {want: "You said: " + hello}, "tgi": {want: "You said: " + hello}, "openai": {want: "You said: " + hello},
			"tei": {fault: cant}, "local": {fault: cant},
		}},
		{"sentiment", sentiment, map[string]cell{
			"huggingface": {want: "positive 0.75"}, "tei": {want: "positive 0.75"},
			"tgi": {script: []hftest.Trouble{says("Positive, 0.8")}, want: "positive 0.80"}, "openai": {script: []hftest.Trouble{says("**Positive** (80%)")}, want: "positive 0.80"},
			"local": {want: "positive 0.73"},
		}},
		{"summarize", summarize, map[string]cell{
			"huggingface": {want: "Once upon a time there"}, "tgi": {script: []hftest.Trouble{says(" A mill. ")}, want: "A mill."},
			"openai": {script: []hftest.Trouble{says("<think>It is a tale.</think>\nA mill.")}, want: "A mill."},
			"local":  {want: "Once upon a time there…"}, "tei": {fault: cant},
		}},
		{"translate", translate, map[string]cell{
			"huggingface": {want: "[en>fr] " + hello}, "tgi": {script: []hftest.Trouble{says("Bonjour")}, want: "Bonjour"},
			"openai": {script: []hftest.Trouble{says("Bonjour")}, want: "Bonjour"}, "tei": {fault: cant}, "local": {fault: cant},
		}},
		{"embed", embed, map[string]cell{
			"huggingface": {want: fmt.Sprint(hftest.Vector(hello, 8))}, "tei": {want: fmt.Sprint(hftest.Vector(hello, 8))},
			"openai": {want: fmt.Sprint(hftest.Vector(hello, 8))}, "tgi": {fault: cant}, "local": {want: localVector(t)},
		}},
	} {
		for kind, c := range task.by {
			t.Run(task.name+" at "+kind, func(t *testing.T) {
				f := openOn(t, records, quick)
				ask := tasks.Ask{Provider: kind, Model: modelFor(task.name, kind)}
				if kind != tasks.Local {
					s := f.provide(kind, hftest.Dialect(kind), models.ProviderConfig{})
					defer f.forget(kind)
					for _, trouble := range c.script {
						s.Next(1, trouble)
					}
				}
				got, done, err := task.do(f, ask)
				if fault := faultOf(err); fault != c.fault || err != nil && c.fault == "" {
					t.Fatalf("%q, %v: the fault is %q, want %q", got, err, fault, c.fault)
				}
				if err != nil {
					return
				}
				if got != c.want {
					t.Errorf("it is %q, want %q", got, c.want)
				}
				if done.Provider != kind || done.Attempts != 1 || done.Usage.PromptCharacters == 0 || done.Cached {
					t.Errorf("done %+v", done)
				}
				if named := ask.Model != "" || kind == tasks.Local; named && done.Model == "" {
					t.Errorf("no model: %+v", done)
				}
				if _, again, err := task.do(f, ask); err != nil || task.name != "stream" && (!again.Cached || again.Attempts != 0 || again.CostUSD != 0) {
					t.Errorf("asked again: %+v, %v", again, err)
				}
			})
		}
	}
}

func modelFor(task, kind string) string {
	switch {
	case kind == "openai" && task == "embed":
		return hftest.EmbeddingModel
	case kind == "openai":
		return hftest.ChatModel
	case kind != "huggingface":
		return ""
	}
	return map[string]string{
		"complete": hftest.ChatModel, "stream": hftest.ChatModel, "sentiment": hftest.ClassifierModel,
		"summarize": hftest.SummaryModel, "translate": hftest.TranslationModel, "embed": hftest.EmbeddingModel,
	}[task]
}

func faultOf(err error) hf.Fault {
	if e, ok := err.(*gateway.Error); ok { //nolint:errorlint // the tasks answer it as it is
		return e.Fault
	}
	return ""
}

func complete(f *fixture, a tasks.Ask) (string, tasks.Done, error) {
	made, done, err := f.Complete(f.t.Context(), a, tasks.Prompt{Text: hello})
	return made.Text, done, err
}

func stream(f *fixture, a tasks.Ask) (string, tasks.Done, error) {
	_, pieces, done, err := f.CompleteStream(f.t.Context(), a, tasks.Prompt{Text: hello})
	if err != nil {
		return "", tasks.Done{}, err
	}
	var text strings.Builder
	for d, err := range pieces {
		if err != nil {
			return text.String(), done(), err
		}
		text.WriteString(d.Text)
	}
	return text.String(), done(), nil
}

func sentiment(f *fixture, a tasks.Ask) (string, tasks.Done, error) {
	made, done, err := f.Sentiments(f.t.Context(), a, "", []string{"I love it"})
	if err != nil {
		return "", done, err
	}
	return fmt.Sprintf("%s %.2f", made.List[0].Sentiment, made.List[0].Confidence), done, nil
}

func summarize(f *fixture, a tasks.Ask) (string, tasks.Done, error) {
	made, done, err := f.Summarize(f.t.Context(), a, tasks.Shorten{Text: tale, Most: 5})
	return made.Text, done, err
}

func translate(f *fixture, a tasks.Ask) (string, tasks.Done, error) {
	made, done, err := f.Translate(f.t.Context(), a, hello, "en", "fr")
	return made.Text, done, err
}

func embed(f *fixture, a tasks.Ask) (string, tasks.Done, error) {
	vectors, done, err := f.Vectors(f.t.Context(), a, []string{hello})
	if err != nil {
		return "", done, err
	}
	return fmt.Sprint(vectors[0]), done, nil
}

func localVector(t *testing.T) string {
	e, err := hftest.NewModel(hftest.Options{}).Embed(t.Context(), hf.Document, []string{hello})
	must(t, err)
	return fmt.Sprint(e[0].Vector)
}

// What a model that only chats is told, and what is made of its answer.
func TestTold(t *testing.T) {
	f := open(t, quick)
	s := f.provide("chat", hftest.OpenAI, models.ProviderConfig{DefaultModel: hftest.ChatModel})
	told := func() string {
		t.Helper()
		list := s.Requests()
		messages, ok := list[len(list)-1].Fields()["messages"].([]any)
		if !ok || len(messages) != 1 {
			t.Fatalf("sent %s", list[len(list)-1].Body)
		}
		return messages[0].(map[string]any)["content"].(string)
	}
	a := tasks.Ask{Provider: "chat"}
	s.Next(1, saysUntil("A mill that", "length"))
	summary, _, err := f.Summarize(t.Context(), a, tasks.Shorten{Text: tale, Most: 2, Least: 1})
	must(t, err)
	if got := told(); !strings.Contains(got, "at least 1 and at most 2 words") || !strings.HasSuffix(got, "\n\nText:\n"+tale) {
		t.Errorf("told %q", got)
	}
	if len(summary.Notes) != 2 || !strings.Contains(summary.Notes[0], "cut off") || !strings.Contains(summary.Notes[1], "more than the 2 words") {
		t.Errorf("notes %q", summary.Notes)
	}
	if c := summary.Config; *c.Temperature != 0.3 || *c.MaxTokens != 2 {
		t.Errorf("config %+v", c)
	}
	s.Next(1, says("Guten Tag"))
	if _, _, err := f.Translate(t.Context(), a, hello, "", "German"); err != nil || !strings.HasPrefix(told(), "Translate the text below into German.") {
		t.Errorf("told %q, %v", told(), err)
	}
	s.Next(1, says("neutral"))
	judged, _, err := f.Sentiments(t.Context(), a, "", []string{"It is a mill."})
	must(t, err)
	want := tasks.Sentiment{Sentiment: "neutral", Confidence: 1, Scores: map[string]float64{"positive": 0, "negative": 0, "neutral": 1}, Raw: []hf.Label{{Name: "neutral", Score: 1}}}
	if diff := cmp.Diff(want, judged.List[0]); diff != "" || len(judged.Notes) != 2 || *judged.Config.MaxTokens != 50 || *judged.Config.Temperature != 0.1 {
		t.Errorf("%s%q %+v", diff, judged.Notes, judged.Config)
	}
}

func TestToldNonsense(t *testing.T) {
	f := open(t, quick)
	s := f.provide("chat", hftest.OpenAI, models.ProviderConfig{DefaultModel: hftest.ChatModel})
	for answer, says2 := range map[string]string{
		"": "nothing", "<think>It seems posi": "nothing", "I cannot say.": "I cannot say", "Neither positive nor negative": "Neither positive",
	} {
		s.Next(1, says(answer))
		_, _, err := f.Sentiments(t.Context(), tasks.Ask{Provider: "chat"}, "", []string{"A text for " + answer})
		if faultOf(err) != hf.FaultUnreadable || !strings.Contains(err.Error(), says2) {
			t.Errorf("%q: %v", answer, err)
		}
	}
	if _, _, err := f.Translate(t.Context(), tasks.Ask{Provider: "chat"}, hello, "", ""); fieldOf(err) != "target" {
		t.Errorf("no target: %v", err)
	}
}

func fieldOf(err error) string {
	if e, ok := err.(*models.Error); ok { //nolint:errorlint // the tasks answer it as it is
		return e.Field
	}
	return ""
}
