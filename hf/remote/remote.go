package remote

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"

	"searchd/hf"
)

// Type is a kind of server.
type Type string

const (
	HuggingFace Type = "huggingface" // the router: hf-inference tasks and chat
	TEI         Type = "tei"         // embeddings and classification
	TGI         Type = "tgi"         // text generation
	OpenAI      Type = "openai"      // any server that speaks the OpenAI protocol
)

const (
	defaultTimeout  = 60 * time.Second
	defaultMaxReply = 64 << 20
)

// Options say where a provider is. Type is required, and so is Endpoint but for huggingface.
type Options struct {
	Type Type
	// Endpoint is the base address. For openai it is what OpenAI clients call the base URL, .../v1 as a rule; an
	// address without a path gets /v1.
	Endpoint     string
	Key          string        `json:"-"`
	BillTo       string        // organization that pays, huggingface only
	AllowPrivate bool          // loopback, private and link-local addresses too
	RawPrompts   bool          // prompts are continued, not answered: no chat template (huggingface, openai)
	Timeout      time.Duration // of a call, of the first and of each further piece of a stream, where the caller has no deadline; 0 is a minute
	BatchSize    int           // texts in one request; 0 is what servers of the type take as a rule
	MaxReply     int64         // bytes of an answer; 0 is 64 MB
	// Client makes the calls in place of the own one. Its transport connects where it likes: for tests.
	Client *http.Client
}

// String leaves the key out.
func (o Options) String() string {
	return fmt.Sprintf("%s at %s", o.Type, withoutSecrets(o.Endpoint))
}

// GoString leaves the key out.
func (o Options) GoString() string { return o.String() }

// Provider is one server. It is safe for concurrent use.
type Provider struct {
	kind     Type
	base     *url.URL
	key      string
	billTo   string
	raw      bool
	timeout  time.Duration
	batch    int
	maxReply int64
	client   *http.Client
	warnings []string
}

var _ hf.Provider = (*Provider)(nil)

// New checks the options; it connects to nothing. Its errors are *hf.CallError.
func New(o Options) (*Provider, error) {
	base, warnings, err := endpoint(o)
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{"key": o.Key, "bill-to": o.BillTo} {
		if strings.ContainsFunc(value, unprintable) {
			return nil, &hf.CallError{Fault: hf.FaultInvalid, Message: name + ": it has characters that a header cannot carry; paste it again"}
		}
	}
	p := &Provider{
		kind: o.Type, base: base, key: o.Key, billTo: o.BillTo, raw: o.RawPrompts, warnings: warnings,
		timeout: o.Timeout, batch: o.BatchSize, maxReply: o.MaxReply,
	}
	p.setDefaults()
	p.client = newClient(o)
	return p, nil
}

func (p *Provider) setDefaults() {
	if p.timeout <= 0 {
		p.timeout = defaultTimeout
	}
	if p.maxReply <= 0 {
		p.maxReply = defaultMaxReply
	}
	if p.batch <= 0 {
		p.batch = 32 // TEI refuses more unless told otherwise
		if p.kind == OpenAI {
			p.batch = 256
		}
	}
}

func unprintable(r rune) bool { return r <= ' ' || r >= 0x7f }

// Warnings tell what New has changed of the options, in sentences for people.
func (p *Provider) Warnings() []string { return p.warnings }

// Endpoint is the base address in use.
func (p *Provider) Endpoint() string { return p.base.String() }

// String leaves the key out.
func (p *Provider) String() string { return fmt.Sprintf("%s at %s", p.kind, p.base) }

// GoString leaves the key out.
func (p *Provider) GoString() string { return p.String() }

// Do answers a call. Where the protocol takes fewer texts at a time than the call has, it makes several requests, one
// after the other, and fails as a whole.
func (p *Provider) Do(ctx context.Context, c hf.Call) (hf.Reply, error) {
	if err := check(c); err != nil {
		return hf.Reply{}, err
	}
	whole := hf.Reply{Model: c.Model}
	for _, part := range p.split(c) {
		reply, err := p.once(ctx, part)
		if err != nil {
			return hf.Reply{}, err
		}
		merge(&whole, reply)
	}
	return whole, nil
}

func (p *Provider) once(ctx context.Context, c hf.Call) (hf.Reply, error) {
	r, err := p.route(c, false)
	if err != nil {
		return hf.Reply{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, p.patience(ctx), errTimeout)
	defer cancel()
	a, err := p.exchange(ctx, r)
	if err != nil {
		return hf.Reply{}, err
	}
	reply, err := r.read(a)
	if err != nil {
		return hf.Reply{}, p.badAnswer(a, err)
	}
	return reply, nil
}

// patience is how long to wait for an answer, or for a piece of one: a caller with a deadline has its own.
func (p *Provider) patience(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return time.Until(deadline) + time.Second // the caller's comes first
	}
	return p.timeout
}

// Stream answers a text generation piece by piece.
func (p *Provider) Stream(ctx context.Context, c hf.Call) iter.Seq2[hf.Delta, error] {
	return func(yield func(hf.Delta, error) bool) {
		err := p.stream(ctx, c, func(d hf.Delta) bool { return yield(d, nil) })
		if err != nil && !errors.Is(err, errStopped) {
			yield(hf.Delta{}, err)
		}
	}
}

func merge(whole *hf.Reply, part hf.Reply) {
	if part.Model != "" {
		whole.Model = part.Model
	}
	whole.Texts = append(whole.Texts, part.Texts...)
	whole.Labels = append(whole.Labels, part.Labels...)
	whole.Vectors = append(whole.Vectors, part.Vectors...)
	whole.Scores = append(whole.Scores, part.Scores...)
	whole.FinishReason = part.FinishReason
	whole.Usage.PromptTokens += part.Usage.PromptTokens
	whole.Usage.CompletionTokens += part.Usage.CompletionTokens
}
