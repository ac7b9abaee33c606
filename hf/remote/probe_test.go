package remote

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"searchd/hf"
	"searchd/hf/hftest"
)

func TestProbe(t *testing.T) {
	for _, test := range []struct {
		dialect              hftest.Dialect
		path, model, version string
	}{
		{hftest.Router, "/v1/models", "", ""},
		{hftest.TEI, "/info", hftest.EmbeddingModel, "1.9.3"},
		{hftest.TGI, "/info", hftest.ChatModel, "3.3.6"},
		{hftest.OpenAI, "/v1/models", "", ""},
	} {
		s, p := newPair(t, hftest.ServerOptions{Dialect: test.dialect})
		calls := callsOf(test.dialect)
		got := p.Probe(t.Context(), calls...)
		if !got.OK() || len(got.Trials) != 1+len(calls) || got.Model != test.model || got.Version != test.version {
			t.Errorf("%s: %+v", test.dialect, got)
		}
		if first := got.Trials[0]; first.Method != http.MethodGet || first.URL != s.URL+test.path || first.Status != 200 || first.Took <= 0 || first.Answer == "" {
			t.Errorf("%s: %+v", test.dialect, first)
		}
		if last := got.Trials[len(calls)]; last.Method != http.MethodPost || last.Status != 200 || last.Took <= 0 || !strings.Contains(last.Answer, string(calls[len(calls)-1].Task)) {
			t.Errorf("%s: %+v", test.dialect, last)
		}
	}
}

func TestProbeFailures(t *testing.T) {
	for _, d := range dialects {
		s, p := newPair(t, hftest.ServerOptions{Dialect: d})
		for _, test := range failures {
			if test.name == "another protocol" || test.name == "moved" || test.name == "truncated" || test.name == "cut" {
				continue // they depend on what is asked
			}
			p.client.CloseIdleConnections()
			s.Next(1, test.trouble)
			got := p.Probe(t.Context())
			if len(got.Trials) != 1 || got.OK() || got.Trials[0].Fault != test.fault || got.Trials[0].Status != test.status || got.Trials[0].Advice == "" {
				t.Errorf("%s, %s: %+v", d, test.name, got)
			}
		}
	}
}

func TestProbeGoesOnWhereAServerDoesNotSayWhatItIs(t *testing.T) {
	s, p := newPair(t, hftest.ServerOptions{})
	s.Next(1, hftest.NotFound())
	got := p.Probe(t.Context(), embedCall)
	if !got.OK() || len(got.Trials) != 2 {
		t.Errorf("%+v", got)
	}
	s.Next(1, hftest.NotFound())
	if got := p.Probe(t.Context()); got.OK() {
		t.Errorf("%+v", got)
	}
	wrong := embedCall
	wrong.Model = "example/none"
	if got := p.Probe(t.Context(), wrong, embedCall); got.OK() || len(got.Trials) != 2 || got.Trials[1].Fault != hf.FaultNotServed {
		t.Errorf("%+v", got)
	}
}

func TestProbeOfNoServer(t *testing.T) {
	p, err := New(Options{Type: TEI, Endpoint: "http://127.0.0.1:1", AllowPrivate: true, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Probe(t.Context()); got.OK() || got.Trials[0].Fault != hf.FaultConnection || got.Trials[0].URL != "http://127.0.0.1:1/info" {
		t.Errorf("%+v", got)
	}
}

func TestEveryFaultHasAdvice(t *testing.T) {
	for _, f := range []hf.Fault{
		hf.FaultLoading, hf.FaultRateLimit, hf.FaultServer, hf.FaultConnection, hf.FaultTimeout, hf.FaultKey, hf.FaultPermission, hf.FaultCredits,
		hf.FaultNotServed, hf.FaultInvalid, hf.FaultRetired, hf.FaultUnreadable, hf.FaultForbidden, hf.FaultUnsupport,
	} {
		if a := Advice(f); !strings.HasSuffix(a, ".") || strings.Count(a, ".") != 1 {
			t.Errorf("%s: %q", f, a)
		}
	}
	if Advice("") != "" {
		t.Error("advice where nothing is wrong")
	}
}
