package main

import (
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"searchd/hf"
	"searchd/hf/hftest"
	"searchd/hf/inproc"
	"searchd/hf/remote"
)

func readREADME(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestTasksOfTheREADME compares the README's table of tasks with what providers take on. What is done in words, providers
// would refuse: these models are told.
func TestTasksOfTheREADME(t *testing.T) {
	calls := map[string]hf.Call{
		"/complete":            {Task: hf.TextGeneration, Inputs: []string{"a"}},
		"/compare":             {Task: hf.TextGeneration, Inputs: []string{"a"}},
		"/sentiment":           {Task: hf.TextClassification, Inputs: []string{"a"}},
		"/summarize":           {Task: hf.Summarization, Inputs: []string{"a"}},
		"/translate":           {Task: hf.Translation, Inputs: []string{"a"}},
		"/embeddings":          {Task: hf.FeatureExtraction, Inputs: []string{"a"}},
		"/answer":              {Task: hf.TextGeneration, Messages: []hf.Message{{Role: "user", Content: "a"}}},
		"/v1/chat/completions": {Task: hf.TextGeneration, Messages: []hf.Message{{Role: "user", Content: "a"}}},
	}
	rows := regexp.MustCompile("(?m)^\\| `POST (/[a-z0-9/]+)` \\| ([^|]+) \\| ([^|]+) \\| ([^|]+) \\| ([^|]+) \\| ([^|]+) \\|").FindAllSubmatch(readREADME(t), -1)
	if len(rows) != len(calls) {
		t.Fatalf("the table has %d tasks, want %d", len(rows), len(calls))
	}
	own := inproc.New(hftest.Set{hftest.NewModel(hftest.Options{})})
	for _, row := range rows {
		call := calls[string(row[1])]
		call.Model = "owner/name"
		for i, kind := range []remote.Type{"", remote.HuggingFace, remote.TEI, remote.TGI, remote.OpenAI} {
			var provider hf.Provider = own
			if kind != "" {
				var err error
				// Nothing listens there: what is not refused fails in another way.
				if provider, err = remote.New(remote.Options{Type: kind, Endpoint: "http://127.0.0.1:1", AllowPrivate: true}); err != nil {
					t.Fatal(err)
				}
			}
			var failed *hf.CallError
			_, err := provider.Do(t.Context(), call)
			able := !errors.As(err, &failed) || failed.Fault != hf.FaultUnsupport
			if shown := string(row[2+i]) != "–" && string(row[2+i]) != "in words"; shown != able && (string(row[1]) != "/answer" || kind != "") { // without a provider it quotes
				t.Errorf("%s by %q: the README says %q; %v", row[1], kind, row[2+i], err)
			}
		}
	}
}

// TestSettingsOfTheManual finds each setting of serve, with its default, in the operator's manual.
func TestSettingsOfTheManual(t *testing.T) {
	manual, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	parser, err := kong.New(&cli{}, kong.DefaultEnvars("SEARCHD"), kong.Vars{"log": "info"})
	if err != nil {
		t.Fatal(err)
	}
	trace, err := kong.Trace(parser, []string{"serve"})
	if err != nil {
		t.Fatal(err)
	}
	for _, flag := range trace.Flags() {
		if slices.Contains([]string{"help", "config", "server"}, flag.Name) {
			continue
		}
		row := "| `--" + flag.Name
		if flag.Default != "" {
			row += " " + flag.Default
		} else if flag.PlaceHolder != "" {
			row += " " + flag.PlaceHolder
		}
		if row += "` | `" + flag.Envs[0] + "` |"; !strings.Contains(string(manual), row) {
			t.Errorf("docs/operating.md lacks %s", row)
		}
	}
}
