package api_test

import (
	"io/fs"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"searchd/api/wire"
	"searchd/hf/gateway"
	"searchd/hf/hftest"
)

// logged waits until the log has so many requests, and answers them, newest first.
func logged(t *testing.T, s *server, n int) []wire.ModelRequest {
	t.Helper()
	for range 500 { // a request is logged a moment after it is answered
		if list := as[wire.RequestList](t, s.get("/requests"), http.StatusOK); list.Total >= n {
			return list.Requests
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%d requests were not logged", n)
	return nil
}

// TestCost follows a request whose price can be worked out by hand: 0.60 USD for 1,000,000 characters.
func TestCost(t *testing.T) {
	s := startWired(t, hftest.Set{quick()}, wiring{tier: gateway.Tiers()[2], monthly: 1000})
	check(t, s)
	s.provide("hf", "huggingface", hftest.NewServer(t, hftest.ServerOptions{}).URL, testKey, hftest.ChatModel)
	const body = `{"provider":"hf","prompt":"¿Qué es el pan?"}` // 15 characters, 17 bytes
	first := as[wire.Completion](t, s.post("/complete", body), http.StatusOK)
	answered := len([]rune(first.Text))
	cost := float64(15+answered) * 0.60 / 1_000_000
	if first.Usage.PromptCharacters != 15 || first.Usage.CompletionCharacters != answered || answered == 0 || math.Abs(first.EstimatedCostUSD-cost) > 1e-15 {
		t.Errorf("%+v; want 15 and %d characters for %v USD", first.Done, answered, cost)
	}
	if again := as[wire.Completion](t, s.post("/complete", body), http.StatusOK); !again.FromCache || again.EstimatedCostUSD != 0 {
		t.Errorf("again: %+v", again.Done)
	}
	if failed := s.post("/complete", `{"provider":"hf","model":"example/none","prompt":"Hi"}`); failed.status != http.StatusNotFound {
		t.Errorf("a model that is not served: %d %s", failed.status, failed.body)
	}
	logged(t, s, 3)
	spent := int64(15 + answered + 2)
	now := time.Now()
	for by, want := range map[string]string{"model": hftest.ChatModel, "provider": "hf", "task": "text-generation", "day": now.UTC().Format(time.DateOnly)} {
		span := url.Values{"group_by": {by}, "from": {now.Add(-time.Hour).Format(time.RFC3339)}, "to": {now.Add(time.Hour).Format(time.RFC3339)}}
		got := as[wire.UsageList](t, s.get("/usage?"+span.Encode()), http.StatusOK)
		u := got.Usage[len(got.Usage)-1]
		if by == "model" {
			u = got.Usage[0]
			if len(got.Usage) != 2 || got.Usage[1].Errors != 1 || got.Usage[1].EstimatedCostUSD != 0 {
				t.Errorf("the model that is not served: %+v", got.Usage)
			}
		}
		if u.Group != want || u.CacheHits != 1 || u.BilledCharacters == 0 || math.Abs(u.EstimatedCostUSD-cost) > 1e-15 || u.LatencyP50MS > u.LatencyP95MS || u.LatencyP95MS > u.LatencyP99MS || u.LatencyP99MS == 0 {
			t.Errorf("by %s: %+v", by, u)
		}
		if got.MonthlyCharacters != spent || got.MonthlyLimit != 1000 || *got.MonthlyLeft != 1000-spent || got.Tier != "pay-per-use" || got.TierLeft != nil {
			t.Errorf("the month: %+v; want %d spent", got, spent)
		}
	}
	for filter, want := range map[string]int{"status=ok": 2, "status=not_served": 1, "model=example/none": 1, "provider=hf&task=text-generation": 3, "provider=local": 0} {
		if got := as[wire.RequestList](t, s.get("/requests?"+filter), http.StatusOK); got.Total != want || len(got.Requests) != want {
			t.Errorf("%s: %+v, want %d", filter, got, want)
		}
	}
}

func TestBudget(t *testing.T) {
	s := startWired(t, hftest.Set{quick()}, wiring{tier: gateway.Tiers()[0], monthly: 10})
	check(t, s)
	router := hftest.NewServer(t, hftest.ServerOptions{})
	s.provide("hf", "huggingface", router.URL, testKey, hftest.ChatModel)
	for _, stream := range []string{"false", "true"} {
		e := as[wire.ErrorAnswer](t, s.post("/complete", `{"provider":"hf","prompt":"Hello world","stream":`+stream+`}`), http.StatusTooManyRequests).Error
		if e.Type != "rate_limit_error" || e.Code != "rate_limited" || e.RequestID == "" || !strings.Contains(e.Message, "--monthly-characters") || !strings.Contains(e.Message, "10 characters") {
			t.Errorf("stream %s: %+v", stream, e)
		}
	}
	if n := len(router.Requests()); n != 0 {
		t.Errorf("the provider was asked %d times", n)
	}
	as[wire.Completion](t, s.post("/complete", `{"provider":"hf","prompt":"Hello"}`), http.StatusOK)
	left := as[wire.UsageList](t, s.get("/usage"), http.StatusOK)
	if left.Tier != "free" || left.TierCharacters != 30_000 || *left.TierLeft != 30_000-left.MonthlyCharacters || *left.MonthlyLeft != max(0, 10-left.MonthlyCharacters) {
		t.Errorf("left: %+v", left)
	}
}

// TestPromptsAreKeptOnlyWhereAskedFor looks for the words of every task in the store's files.
func TestPromptsAreKeptOnlyWhereAskedFor(t *testing.T) {
	const secret = "Xylophonic quagmires"
	for _, kept := range []bool{false, true} {
		s := startWired(t, hftest.Set{quick()}, wiring{prompts: kept})
		check(t, s)
		s.provide("hf", "huggingface", hftest.NewServer(t, hftest.ServerOptions{}).URL, testKey, hftest.ChatModel)
		s.add(wire.Document{ID: "d", Text: "A document of other words."})
		for path, body := range map[string]string{
			"/complete":            `{"provider":"hf","use_cache":false,"prompt":"` + secret + `"}`,
			"/complete?":           `{"provider":"hf","stream":true,"prompt":"` + secret + `"}`,
			"/sentiment":           `{"model":"` + hftest.ClassifierModel + `","text":"` + secret + `"}`,
			"/summarize":           `{"provider":"hf","model":"` + hftest.SummaryModel + `","text":"` + secret + `"}`,
			"/embeddings":          `{"provider":"hf","documents":[{"id":"a","content":"` + secret + `"}]}`,
			"/answer":              `{"provider":"hf","question":"` + secret + `"}`,
			"/v1/chat/completions": `{"model":"` + hftest.ChatModel + `","messages":[{"role":"user","content":"` + secret + `"}]}`,
		} {
			s.preset("hf")
			if got := s.post(strings.TrimSuffix(path, "?"), body); got.status != http.StatusOK {
				t.Errorf("%s: %d %s", path, got.status, got.body)
			}
		}
		for _, r := range logged(t, s, 7) {
			if strings.Contains(r.Prompt, secret) != kept {
				t.Errorf("prompts kept: %v; the log has %+v", kept, r)
			}
		}
		if found := inFiles(t, s.dir, secret); found != kept {
			t.Errorf("prompts kept: %v; the text is in the data folder: %v", kept, found)
		}
		if strings.Contains(s.log.String(), secret) {
			t.Error("the text is in the server's log")
		}
	}
}

func inFiles(t *testing.T, dir, text string) bool {
	t.Helper()
	files, found := 0, false
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		content, err := os.ReadFile(filepath.Join(dir, name))
		found = found || strings.Contains(string(content), text)
		return err
	})
	if err != nil || files < 2 {
		t.Fatalf("%d files: %v", files, err)
	}
	return found
}
