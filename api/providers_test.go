package api_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"searchd/api/wire"
	"searchd/hf/hftest"
)

const testKey = "hf_SecretSecretSecretSecret9876"

// provide keeps a provider.
func (s *server) provide(id, kind, endpoint, key, model string) wire.Provider {
	s.t.Helper()
	return as[wire.Provider](s.t, s.post("/providers", mustJSON(s.t, wire.NewProvider{
		ProviderID: id, Name: id, ProviderType: kind, APIEndpoint: endpoint,
		Configuration: wire.ProviderConfig{APIKey: &key, DefaultModel: model, EmbeddingModel: hftest.EmbeddingModel},
	})), http.StatusCreated)
}

// preset makes a provider the default.
func (s *server) preset(id string) {
	s.t.Helper()
	as[wire.Provider](s.t, s.do("PATCH", "/providers/"+id, jsonType, `{"is_default":true}`), http.StatusOK)
}

// noKey makes sure that a key is in none of the answers, the log and the store's files.
func noKey(t *testing.T, s *server, key string, answers ...answer) {
	t.Helper()
	secret := key[3 : len(key)-4] // what the hint does not show
	for _, a := range answers {
		if strings.Contains(string(a.body)+fmt.Sprint(a.header), secret) {
			t.Errorf("the key is in an answer: %s", a.body)
		}
	}
	if strings.Contains(s.log.String(), secret) {
		t.Error("the key is in the log")
	}
	files, err := filepath.Glob(filepath.Join(s.dir, "*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("files %v: %v", files, err)
	}
	for _, file := range files {
		if content, err := os.ReadFile(file); err != nil || strings.Contains(string(content), secret) {
			t.Errorf("the key is in %s (%v)", filepath.Base(file), err)
		}
	}
}

func TestProviderRecords(t *testing.T) {
	s := startWith(t, quick())
	check(t, s)
	first := s.post("/providers", `{"name":"My Hugging Face!","provider_type":"huggingface","configuration":{"api_key":"`+testKey+`","default_model":"a/b","temperature":0.5,"max_tokens":100},"is_default":true}`)
	made := as[wire.Provider](t, first, 201)
	if made.ProviderID != "my-hugging-face" || made.APIEndpoint != "" || !made.IsActive || !made.IsDefault || *made.Configuration.APIKey != "hf_…9876" || *made.Configuration.Temperature != 0.5 {
		t.Errorf("made %s", first.body)
	}
	second := s.post("/providers", `{"provider_id":"tei","name":"TEI","provider_type":"tei","api_endpoint":"https://tei.example.org","is_default":true}`)
	if p := as[wire.Provider](t, second, 201); !p.IsDefault || p.Configuration.APIKey != nil {
		t.Errorf("made %s", second.body)
	}
	listed := s.get("/providers")
	list := as[wire.ProviderList](t, listed, 200)
	if list.Total != 2 || list.Providers[0].ProviderID != "tei" || list.Providers[1].IsDefault {
		t.Errorf("there is not one default, and first: %s", listed.body)
	}
	read := s.get("/providers/my-hugging-face")
	if p := as[wire.Provider](t, read, 200); p.Configuration.DefaultModel != "a/b" || p.IsDefault {
		t.Errorf("read %s", read.body)
	}
	noKey(t, s, testKey, first, second, listed, read)
	if n := as[wire.Deleted](t, s.do("DELETE", "/providers/tei", "", ""), 200).Deleted; n != 1 {
		t.Errorf("deleted %d", n)
	}
	if list := as[wire.ProviderList](t, s.get("/providers"), 200); list.Total != 1 {
		t.Errorf("after deleting: %+v", list)
	}
}

// TestPatchedProvider changes a provider that is used after each change: the fake server knows whether the key came.
func TestPatchedProvider(t *testing.T) {
	s := startWith(t, quick())
	check(t, s)
	router := hftest.NewServer(t, hftest.ServerOptions{Key: testKey})
	other := hftest.NewServer(t, hftest.ServerOptions{})
	s.provide("p", "huggingface", router.URL, testKey, hftest.ChatModel)
	patch := func(body string, status int) answer {
		t.Helper()
		got := s.do("PATCH", "/providers/p", jsonType, body)
		if got.status != status {
			t.Errorf("PATCH %s: %d %s, want %d", body, got.status, got.body, status)
		}
		return got
	}
	ask := func(status int) {
		t.Helper()
		if got := s.post("/complete", `{"provider":"p","prompt":"Hello","use_cache":false}`); got.status != status {
			t.Errorf("asked: %d %s, want %d", got.status, got.body, status)
		}
	}
	ask(200)
	answers := []answer{patch(`{"name":"Renamed"}`, 200), patch(`{"configuration":{"default_model":"`+hftest.ChatModel+`","temperature":1.5}}`, 200)}
	if p := as[wire.Provider](t, answers[1], 200); p.Name != "Renamed" || p.Configuration.EmbeddingModel != "" || *p.Configuration.APIKey != "hf_…9876" {
		t.Errorf("patched %s", answers[1].body)
	}
	ask(200)
	moved := as[wire.ErrorAnswer](t, patch(`{"api_endpoint":"`+other.URL+`"}`, 422), 422).Error
	if moved.Param != "configuration.api_key" {
		t.Errorf("the endpoint alone: %+v", moved)
	}
	ask(200)
	if n := len(other.Requests()); n != 0 {
		t.Errorf("the other server was asked %d times", n)
	}
	patch(`{"is_active":false}`, 200)
	ask(422)
	patch(`{"is_active":true,"configuration":{"api_key":"","default_model":"`+hftest.ChatModel+`"}}`, 200)
	ask(422)
	patch(`{"api_endpoint":"`+other.URL+`"}`, 200)
	ask(200)
	noKey(t, s, testKey, answers...)
}

func TestBadProviders(t *testing.T) {
	s := startWired(t, hftest.Set{quick()}, wiring{public: true})
	check(t, s)
	as[wire.Provider](t, s.post("/providers", `{"name":"kept","provider_type":"huggingface"}`), 201)
	list := []bad{
		{name: "no name", body: `{"provider_type":"huggingface"}`, status: 422, param: "provider_id"},
		{name: "blank name", body: `{"provider_id":"a","name":" ","provider_type":"huggingface"}`, status: 422, param: "name"},
		{name: "unknown type", body: `{"name":"a","provider_type":"azure"}`, status: 422, param: "provider_type"},
		{name: "no endpoint", body: `{"name":"a","provider_type":"tei"}`, status: 422, param: "api_endpoint"},
		{name: "endpoint that is none", body: `{"name":"a","provider_type":"tei","api_endpoint":"tei:8080"}`, status: 422, param: "api_endpoint"},
		{name: "ftp", body: `{"name":"a","provider_type":"tei","api_endpoint":"ftp://example.org"}`, status: 422, param: "api_endpoint"},
		{name: "key in the endpoint", body: `{"name":"a","provider_type":"tei","api_endpoint":"https://me:secret@example.org"}`, status: 422, param: "api_endpoint"},
		{name: "query in the endpoint", body: `{"name":"a","provider_type":"tei","api_endpoint":"https://example.org?key=1"}`, status: 422, param: "api_endpoint"},
		{name: "temperature 7 kept", body: `{"name":"a","provider_type":"huggingface","configuration":{"temperature":7}}`, status: 422, param: "configuration.temperature"},
		{name: "max_tokens 0 kept", body: `{"name":"a","provider_type":"huggingface","configuration":{"max_tokens":0}}`, status: 422, param: "configuration.max_tokens"},
		{name: "key with a line break", body: `{"name":"a","provider_type":"huggingface","configuration":{"api_key":"hf_a\nb"}}`, status: 422, param: "configuration.api_key"},
		{name: "key is a number", body: `{"name":"a","provider_type":"huggingface","configuration":{"api_key":1}}`, status: 422, param: "configuration.api_key"},
		{name: "unknown field of a provider", body: `{"name":"a","provider_type":"huggingface","token":"x"}`, status: 422, param: "token"},
		{name: "id in use", body: `{"name":"Kept","provider_type":"huggingface"}`, status: 409, typ: "conflict_error", param: "provider_id"},
		{name: "id with a slash", body: `{"provider_id":"a/b","name":"a","provider_type":"huggingface"}`, status: 422, param: "provider_id"},
	}
	for _, host := range []string{"127.0.0.1", "localhost", "10.1.2.3", "192.168.0.1", "169.254.169.254", "[::1]", "[fe80::1]", "[::ffff:127.0.0.1]"} {
		list = append(list, bad{name: "at " + host, body: `{"name":"a","provider_type":"tei","api_endpoint":"http://` + host + `:8080"}`, status: 422, param: "api_endpoint"})
	}
	for i := range list {
		list[i].path = "/providers"
	}
	list = append(list,
		bad{name: "patched to a private address", method: "PATCH", path: "/providers/kept", body: `{"api_endpoint":"http://10.0.0.1"}`, status: 422, param: "api_endpoint"},
		bad{name: "patched to no name", method: "PATCH", path: "/providers/kept", body: `{"name":""}`, status: 422, param: "name"},
		bad{name: "patched type", method: "PATCH", path: "/providers/kept", body: `{"provider_type":"tei"}`, status: 422, param: "provider_type"},
	)
	for _, method := range []string{"GET", "PATCH", "DELETE"} {
		list = append(list, bad{name: method + " an unknown provider", method: method, path: "/providers/nobody", body: `{}`, status: 404, typ: "not_found_error", param: "provider"})
	}
	list = append(list, bad{name: "test an unknown provider", kind: "-", path: "/providers/nobody/test", status: 404, typ: "not_found_error", param: "provider"})
	for _, b := range list {
		t.Run(b.name, func(t *testing.T) {
			s.t = t
			b.try(t, s)
		})
	}
	s.t = t
	if list := as[wire.ProviderList](t, s.get("/providers"), 200); list.Total != 1 || list.Providers[0].Name != "kept" {
		t.Errorf("bad providers left %+v", list)
	}
}

func TestProbes(t *testing.T) {
	s := startWith(t, quick())
	check(t, s)
	router := hftest.NewServer(t, hftest.ServerOptions{Key: testKey})
	s.provide("good", "huggingface", router.URL, testKey, hftest.ChatModel)
	s.provide("badkey", "openai", hftest.NewServer(t, hftest.ServerOptions{Dialect: hftest.OpenAI, Key: "another"}).URL, testKey, hftest.ChatModel)
	gone := hftest.NewServer(t, hftest.ServerOptions{Dialect: hftest.TEI})
	gone.Next(100, hftest.Reset())
	s.provide("gone", "tei", gone.URL, testKey, "")
	test := func(id string) (wire.Probe, answer) {
		t.Helper()
		a := s.do("POST", "/providers/"+id+"/test", "", "")
		return as[wire.Probe](t, a, 200), a
	}
	if p, _ := test("local"); !p.OK || len(p.Trials) != 1 {
		t.Errorf("local: %+v", p)
	}
	good, a := test("good")
	if !good.OK || len(good.Trials) < 2 || !strings.HasPrefix(good.Trials[0].Tried, "GET "+router.URL) || good.Trials[0].UpstreamStatus != 200 {
		t.Errorf("good: %+v", good)
	}
	bad, b := test("badkey")
	if last := bad.Trials[len(bad.Trials)-1]; bad.OK || last.Fault != "key" || last.UpstreamStatus != 401 || last.Advice == "" {
		t.Errorf("bad key: %+v", bad)
	}
	away, c := test("gone")
	if last := away.Trials[len(away.Trials)-1]; away.OK || last.Fault != "connection" || last.Advice == "" {
		t.Errorf("gone: %+v", away)
	}
	noKey(t, s, testKey, a, b, c)
}
