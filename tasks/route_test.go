package tasks_test

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"searchd/hf"
	"searchd/hf/gateway"
	"searchd/hf/hftest"
	"searchd/models"
	"searchd/tasks"
)

var chats = models.ProviderConfig{DefaultModel: hftest.ChatModel, EmbeddingModel: hftest.EmbeddingModel}

// Who is asked: the request's provider, the default record, the environment, this process.
func TestWhoIsAsked(t *testing.T) {
	environment := &models.Provider{ProviderID: "environment", Name: "e", ProviderType: "openai", APIEndpoint: "http://provider.test", Configuration: chats, IsActive: true}
	f := open(t, quick, func(o *tasks.Options, _ *gateway.Options) { o.Environment, o.Key = environment, testKey })
	f.servers["environment"] = hftest.NewMemoryServer(t, hftest.ServerOptions{Dialect: hftest.OpenAI, Key: testKey})
	f.provide("a", hftest.OpenAI, chats)
	f.provide("b", hftest.Router, chats)
	asked := func(provider string) string {
		t.Helper()
		_, done, err := f.Vectors(t.Context(), tasks.Ask{Provider: provider}, []string{hello})
		must(t, err)
		return done.Provider
	}
	set := func(id string, change func(*models.Provider)) {
		t.Helper()
		p, err := f.db.Provider(t.Context(), id)
		must(t, err)
		change(&p)
		_, err = f.ChangeProvider(t.Context(), p, nil)
		must(t, err)
	}
	var got []string
	note := func() { got = append(got, asked("")+" "+asked("a")+" "+asked("environment")+" "+asked("local")) }
	note()
	set("b", func(p *models.Provider) { p.IsDefault = true })
	note()
	set("a", func(p *models.Provider) { p.IsDefault = true })
	note()
	set("a", func(p *models.Provider) { p.IsActive, p.IsDefault = true, false })
	must(t, f.db.DeleteProvider(t.Context(), "b"))
	note()
	if diff := cmp.Diff([]string{"environment a environment local", "b a environment local", "a a environment local", "environment a environment local"}, got); diff != "" {
		t.Error(diff)
	}
	set("a", func(p *models.Provider) { p.IsActive = false })
	if _, _, err := f.Vectors(t.Context(), tasks.Ask{Provider: "a"}, []string{hello}); fieldOf(err) != "provider" {
		t.Errorf("one that is not active: %v", err)
	}
	nobody := open(t, quick)
	if _, done, err := nobody.Vectors(t.Context(), tasks.Ask{}, []string{hello}); err != nil || done.Provider != "local" || done.Model == "" {
		t.Errorf("without any: %+v, %v", done, err)
	}
}

// The order of fallbacks: models of the first provider, then the other providers, each with its own model and tier.
func TestFallbacks(t *testing.T) {
	f := open(t, quick, func(o *tasks.Options, _ *gateway.Options) {
		o.Tier = gateway.Tier{Name: "test", USD: 1, PerCharacters: 1000}
	})
	first := f.provide("first", hftest.OpenAI, models.ProviderConfig{DefaultModel: hftest.ChatModel, FallbackProviders: nil})
	second := f.provide("second", hftest.TGI, models.ProviderConfig{})
	third := f.provide("third", hftest.Router, chats)
	p, err := f.db.Provider(t.Context(), "first")
	must(t, err)
	p.Configuration.FallbackProviders = []string{"third"}
	_, err = f.ChangeProvider(t.Context(), p, nil)
	must(t, err)
	broken := func(s *hftest.Server, n int) { s.Next(n, hftest.Broken(http.StatusInternalServerError)) }
	ask := func(a tasks.Ask) (string, int, float64) {
		t.Helper()
		a.Provider, a.NoCache = "first", true
		made, done, err := f.Complete(t.Context(), a, tasks.Prompt{Text: hello})
		must(t, err)
		if made.Text != "You said: "+hello {
			t.Errorf("answer %q", made.Text)
		}
		return done.Provider, done.Attempts, done.CostUSD
	}
	for _, tt := range []struct {
		name          string
		ask           tasks.Ask
		first, second int // failures
		want          string
		attempts      int
		usd           float64
	}{
		{"no failure", tasks.Ask{}, 0, 0, "first", 1, 0},
		{"a fallback model", tasks.Ask{Fallbacks: []string{hftest.ChatModel}}, 3, 0, "first", 4, 0},
		{"the record's provider, which is paid", tasks.Ask{}, 3, 0, "third", 4, 0.032},
		{"after the fallback model", tasks.Ask{Fallbacks: []string{hftest.ChatModel}}, 6, 0, "third", 7, 0.032},
		{"the request's provider", tasks.Ask{FallbackProviders: []string{"second"}}, 3, 0, "second", 4, 0},
		{"the request's providers in order", tasks.Ask{FallbackProviders: []string{"second", "third"}}, 3, 3, "third", 7, 0.032},
		{"a model that it does not have", tasks.Ask{Model: "no/such"}, 0, 0, "third", 2, 0.032},
	} {
		broken(first, tt.first)
		broken(second, tt.second)
		if by, n, usd := ask(tt.ask); by != tt.want || n != tt.attempts || usd != tt.usd {
			t.Errorf("%s: %s after %d attempts for %v USD, want %s after %d for %v", tt.name, by, n, usd, tt.want, tt.attempts, tt.usd)
		}
	}
	broken(first, 3)
	if _, _, err := f.Complete(t.Context(), tasks.Ask{Provider: "first", FallbackProviders: []string{}}, tasks.Prompt{Text: hello}); faultOf(err) != hf.FaultServer {
		t.Errorf("no fallback was wanted: %v", err)
	}
	n := len(third.Requests())
	broken(first, 3)
	if _, _, err := f.Vectors(t.Context(), tasks.Ask{Provider: "first", Model: "other/embedder", NoCache: true}, []string{hello}); err == nil || len(third.Requests()) != n {
		t.Errorf("vectors of another model: %v", err)
	}
	must(t, f.db.DeleteProvider(t.Context(), "third"))
	if by, _, _ := ask(tasks.Ask{}); by != "first" {
		t.Errorf("with a fallback that is gone: %s", by)
	}
	if _, _, err := f.Complete(t.Context(), tasks.Ask{Provider: "first", FallbackProviders: []string{"third"}}, tasks.Prompt{Text: hello}); fieldOf(err) != "fallback_providers[0]" {
		t.Errorf("one that is gone, by name: %v", err)
	}
}

// A told provider stands in for one with a model for the task, and this process for both.
func TestFallbackOfAnotherType(t *testing.T) {
	f := open(t, quick)
	router := f.provide("router", hftest.Router, models.ProviderConfig{})
	chat := f.provide("chat", hftest.OpenAI, chats)
	router.Next(6, hftest.Broken(http.StatusBadGateway))
	chat.Next(1, says("A mill."))
	chat.Next(3, hftest.Broken(http.StatusBadGateway))
	a := tasks.Ask{Provider: "router", Model: hftest.SummaryModel, FallbackProviders: []string{"chat", "local"}, NoCache: true}
	w := tasks.Shorten{Text: tale, Most: 5}
	made, done, err := f.Summarize(t.Context(), a, w)
	if err != nil || made.Text != "A mill." || done.Provider != "chat" || done.Model != "spoken-1" {
		t.Errorf("%+v %+v %v", made, done, err)
	}
	made, done, err = f.Summarize(t.Context(), a, w)
	if err != nil || done.Provider != "local" || made.Text == "" || made.Config.Temperature != nil {
		t.Errorf("%+v %+v %v", made, done, err)
	}
}

// Streams fall back before the first piece, and not after it.
func TestStreamFallsBack(t *testing.T) {
	f := open(t, quick)
	first := f.provide("first", hftest.OpenAI, chats)
	f.provide("second", hftest.TGI, models.ProviderConfig{})
	a := tasks.Ask{Provider: "first", FallbackProviders: []string{"second"}}
	first.Next(1, hftest.NoCredits())
	if text, done, err := stream(f, a); err != nil || text != "You said: "+hello || done.Provider != "second" || done.Attempts != 2 {
		t.Errorf("%q %+v %v", text, done, err)
	}
	first.Next(1, hftest.HalfStream(2, true))
	if text, done, err := stream(f, a); faultOf(err) != hf.FaultConnection || text != "You " || done.Attempts != 1 {
		t.Errorf("after the first piece: %q %+v %v", text, done, err)
	}
}

// Half of all upstream answers fail, in every way. One provider answers 1-½³ of the requests in three attempts; with two
// others behind it that is over 99 %.
func TestHalfOfUpstreamFails(t *testing.T) {
	const requests = 400
	records := store(t)
	synctest.Test(t, func(t *testing.T) {
		f := openOn(t, records, func(_ *tasks.Options, g *gateway.Options) { g.Random = func() float64 { return 0.5 } })
		random := rand.New(rand.NewPCG(1, 2))
		for _, id := range []string{"first", "second", "third"} {
			s := f.provide(id, hftest.OpenAI, models.ProviderConfig{DefaultModel: hftest.ChatModel})
			for range 3 * requests {
				s.Next(1, weather(random))
			}
		}
		route := tasks.Ask{Provider: "first", FallbackProviders: []string{"second", "third"}, NoCache: true}
		var answered int
		var mu sync.Mutex
		var all sync.WaitGroup
		for range requests {
			time.Sleep(time.Duration(random.IntN(4000)) * time.Millisecond)
			all.Go(func() {
				start := time.Now()
				made, done, err := f.Complete(t.Context(), route, tasks.Prompt{Text: hello})
				if took := time.Since(start); took > 5*time.Minute || done.Attempts > 9 {
					t.Errorf("%d attempts in %v", done.Attempts, took)
				}
				mu.Lock()
				defer mu.Unlock()
				if err == nil && made.Text == "You said: "+hello {
					answered++
				}
			})
		}
		all.Wait()
		t.Logf("%d of %d answered", answered, requests)
		if answered < requests*99/100 {
			t.Errorf("%d of %d were answered, want 99 %%", answered, requests)
		}
	})
}

// weather is an answer in half of the cases, and every passing trouble in the other.
func weather(random *rand.Rand) hftest.Trouble {
	took := time.Duration(random.IntN(2000)) * time.Millisecond
	if random.IntN(2) == 0 {
		return hftest.Slow(took)
	}
	troubles := []hftest.Trouble{
		hftest.Broken(500), hftest.Broken(502), hftest.RateLimited(3 * time.Second), hftest.RateLimited(0), hftest.Loading(20 * time.Second),
		hftest.Reset(), hftest.Cut(), hftest.Truncated(), hftest.HTML(503),
	}
	return troubles[random.IntN(len(troubles))]
}

// What will not pass is not tried again; what passes is, after the time that the provider asks for.
func TestPatience(t *testing.T) {
	for name, tt := range map[string]struct {
		trouble  hftest.Trouble
		attempts int
		least    time.Duration // and at most ten seconds more
	}{
		"credits":    {hftest.NoCredits(), 1, 0},
		"permission": {hftest.NoPermission(), 1, 0},
		"key":        {hftest.BadKey(), 1, 0},
		"not served": {hftest.NotFound(), 1, 0},
		"retired":    {hftest.Retired(), 1, 0},
		"rate limit": {hftest.RateLimited(25 * time.Second), 3, 50 * time.Second},
		"loading":    {hftest.Loading(time.Second), 3, 20 * time.Second},
		"server":     {hftest.Broken(500), 3, 6 * time.Second},
		"hangs":      {hftest.Hang(), 3, 3*90*time.Second + 6*time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			records := store(t)
			synctest.Test(t, func(t *testing.T) {
				f := openOn(t, records)
				s := f.provide("p", hftest.OpenAI, chats)
				s.Next(3, tt.trouble)
				start := time.Now()
				_, done, err := f.Complete(t.Context(), tasks.Ask{Provider: "p", Timeout: 90 * time.Second}, tasks.Prompt{Text: hello})
				took := time.Since(start)
				if err == nil || done.Attempts != tt.attempts || len(s.Requests()) != tt.attempts || took < tt.least || took > tt.least+10*time.Second {
					t.Errorf("%d attempts in %v, want %d in %v: %v", done.Attempts, took, tt.attempts, tt.least, err)
				}
			})
		})
	}
}

// The catalogue chooses where neither the request nor the provider names a model, and the error says what to do instead.
func TestCatalogueChooses(t *testing.T) {
	f := open(t, quick)
	s := f.provide("hf", hftest.Router, models.ProviderConfig{})
	a := tasks.Ask{Provider: "hf", NoCache: true}
	asked := func() string {
		list := paths(s)
		return strings.TrimPrefix(list[len(list)-1], "/hf-inference/models/")
	}
	news, done, err := f.Summarize(t.Context(), a, tasks.Shorten{Text: tale, Most: 5, Style: "news"})
	if err != nil || asked() != "facebook/bart-large-cnn" || !news.Selected || *news.Config.Temperature != 0.3 || done.Attempts != 1 {
		t.Errorf("news: %s %+v %v", asked(), news, err)
	}
	general, done, err := f.Summarize(t.Context(), a, tasks.Shorten{Text: tale, Most: 5})
	if err != nil || !slices.Contains(paths(s), "/hf-inference/models/google/pegasus-xsum") || done.Model != "facebook/bart-large-cnn" || general.Selected {
		t.Errorf("general, not served: %v %+v %v", paths(s), done, err)
	}
	for style, want := range map[string]string{"social": "cardiffnlp/twitter-roberta-base-sentiment-latest", "": "nlptown/bert-base-multilingual-uncased-sentiment"} {
		s.Next(1, answers([][]map[string]any{{{"label": "neutral", "score": 1}}}))
		judged, done, err := f.Sentiments(t.Context(), a, style, []string{hello})
		if err != nil || asked() != want || done.Model != want || !judged.Selected {
			t.Errorf("%s: %s %+v %v", style, asked(), judged, err)
		}
	}
	for kind, want := range map[string]string{"conversation": "microsoft/DialoGPT-medium", "code": "Salesforce/codet5-base", "creative": "bigscience/bloom-560m"} {
		_, _, err := f.Complete(t.Context(), a, tasks.Prompt{Text: hello, TaskType: kind})
		list := s.Requests()
		if sent := list[len(list)-1].Fields(); sent["model"] != want || faultOf(err) != hf.FaultNotServed ||
			!strings.Contains(err.Error(), "hosted Hugging Face does not serve "+want) || !strings.Contains(err.Error(), "text-generation-inference") || !strings.Contains(err.Error(), "`model`") {
			t.Errorf("%s: asked for %v, %v", kind, sent["model"], err)
		}
	}
	long := strings.Repeat("word ", 201)
	_, _, err = f.Complete(t.Context(), a, tasks.Prompt{Text: long})
	if !strings.Contains(err.Error(), "DialoGPT-large") {
		t.Errorf("long: %v", err)
	}
}

// A default model that chats does the other tasks at hosted Hugging Face in words; one that does not is asked the other way.
func TestDefaultThatChats(t *testing.T) {
	f := open(t, quick)
	s := f.provide("hf", hftest.Router, chats)
	s.Next(1, says("positive 0.9"))
	if got, done, err := sentiment(f, tasks.Ask{Provider: "hf"}); err != nil || got != "positive 0.90" || done.Attempts != 1 || paths(s)[0] != "/v1/chat/completions" {
		t.Errorf("%s %+v %v", got, done, err)
	}
	f.provide("classifier", hftest.Router, models.ProviderConfig{DefaultModel: hftest.ClassifierModel})
	if got, done, err := sentiment(f, tasks.Ask{Provider: "classifier"}); err != nil || got != "positive 0.75" || done.Attempts != 2 {
		t.Errorf("%s %+v %v", got, done, err)
	}
}
