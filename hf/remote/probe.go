package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"searchd/hf"
)

// Probe is what a look at a provider has found.
type Probe struct {
	Trials  []Trial
	Model   string // that the server runs, where it says
	Version string // of the server, where it says
}

// Trial is one request of a probe.
type Trial struct {
	Method string
	URL    string // without a query
	Status int    // of the answer; 0 where there was none
	Took   time.Duration
	Answer string   // what the server said, in short
	Fault  hf.Fault // "" where all was well
	Advice string   // what to do about the fault, in one sentence
}

// OK says that every trial went well.
func (p Probe) OK() bool {
	for _, t := range p.Trials {
		if t.Fault != "" {
			return false
		}
	}
	return len(p.Trials) > 0
}

// Probe asks the server what it is, and then makes the calls, which should be small and are paid for as any others. It
// stops at the first failure, except that a server need not say what it is.
func (p *Provider) Probe(ctx context.Context, calls ...hf.Call) Probe {
	var probe Probe
	asked := p.ask(ctx, &probe)
	if asked.Fault == hf.FaultNotServed && len(calls) > 0 {
		asked.Answer, asked.Fault, asked.Advice = "it does not say what it is", "", ""
	}
	probe.Trials = append(probe.Trials, asked)
	for _, c := range calls {
		if !probe.OK() {
			break
		}
		probe.Trials = append(probe.Trials, p.try(ctx, c))
	}
	return probe
}

// ask gets the page on which a server of this type describes itself.
func (p *Provider) ask(ctx context.Context, probe *Probe) Trial {
	path := map[Type]string{HuggingFace: "/v1/models", TEI: "/info", TGI: "/info", OpenAI: "/models"}[p.kind]
	start := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, p.timeout, errTimeout)
	defer cancel()
	a, err := p.exchange(ctx, request{method: http.MethodGet, path: path})
	t := p.trial(http.MethodGet, path, start, err)
	if err != nil {
		return t
	}
	if t.Answer, err = probe.describe(a.body); err != nil {
		t = p.trial(http.MethodGet, path, start, p.badAnswer(a, err))
	}
	t.Status, t.Answer = a.status, p.clean(t.Answer)
	probe.Model, probe.Version = p.clean(probe.Model), p.clean(probe.Version)
	return t
}

// describe reads /info of TEI and TGI, and lists of models.
func (p *Probe) describe(body []byte) (string, error) {
	var info struct {
		ModelID string `json:"model_id"`
		Version string
		Data    []struct{ ID string }
	}
	if err := json.Unmarshal(body, &info); err != nil {
		return "", err
	}
	p.Model, p.Version = shorten(info.ModelID, 200), shorten(info.Version, 100)
	switch {
	case info.ModelID != "":
		return fmt.Sprintf("model %s, version %s", p.Model, p.Version), nil
	case info.Data == nil:
		return "", errors.New("it names no model")
	case len(info.Data) == 1:
		p.Model = shorten(info.Data[0].ID, 200)
	}
	return fmt.Sprintf("%d models", len(info.Data)), nil
}

func (p *Provider) try(ctx context.Context, c hf.Call) Trial {
	r, err := p.route(c, false)
	start := time.Now()
	var reply hf.Reply
	if err == nil {
		reply, err = p.Do(ctx, c)
	}
	t := p.trial(http.MethodPost, r.path, start, err)
	if err != nil {
		return t
	}
	t.Status = http.StatusOK
	switch {
	case len(reply.Vectors) > 0:
		t.Answer = fmt.Sprintf("%s: an embedding of %d dimensions", c.Task, len(reply.Vectors[0]))
	case len(reply.Labels) > 0:
		t.Answer = fmt.Sprintf("%s: %d labels", c.Task, len(reply.Labels[0]))
	case len(reply.Texts) > 0:
		t.Answer = fmt.Sprintf("%s: a text of %d bytes", c.Task, len(reply.Texts[0]))
	}
	return t
}

func (p *Provider) trial(method, path string, start time.Time, err error) Trial {
	u := *p.base
	u.Path += path
	t := Trial{Method: method, URL: u.String(), Took: time.Since(start)}
	var call *hf.CallError
	switch {
	case errors.As(err, &call):
		t.Status, t.Fault, t.Answer = call.Status, call.Fault, call.Message
	case err != nil: // the caller's context
		t.Fault, t.Answer = hf.FaultTimeout, "no answer before the test's time was over"
	}
	t.Advice = Advice(t.Fault)
	return t
}

// Advice says in one sentence what to do about a kind of failure.
func Advice(f hf.Fault) string {
	return map[hf.Fault]string{
		hf.FaultLoading:    "The model is being loaded: try again in a minute.",
		hf.FaultRateLimit:  "Too many calls were made: wait, or raise the limit of the account.",
		hf.FaultServer:     "The provider failed: try again, and look at its status page or its log if it goes on.",
		hf.FaultConnection: "The provider cannot be reached or broke off: check the endpoint's host and port, and that the server runs.",
		hf.FaultTimeout:    "The provider did not answer in time: try again, or give it a longer timeout.",
		hf.FaultKey:        "The key is missing or wrong: make a new one at the provider and set it.",
		hf.FaultPermission: "The key may not do this: give it the permission to call inference providers, or use another key.",
		hf.FaultCredits:    "The account has no credits left: buy some, or use another provider.",
		hf.FaultNotServed:  "The provider does not serve this: check the model's name, the endpoint's path and the type of the provider.",
		hf.FaultInvalid:    "The call is wrong: change what the message names.",
		hf.FaultRetired:    "The endpoint is gone: set the provider's present address.",
		hf.FaultUnreadable: "The answer is not of this protocol: check the type of the provider and the endpoint's path.",
		hf.FaultForbidden:  "The endpoint's address is not allowed: start searchd with --allow-private-endpoints if it is meant.",
		hf.FaultUnsupport:  "A provider of this type has no such task: choose another type of provider for it.",
	}[f]
}
