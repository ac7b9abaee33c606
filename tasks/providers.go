package tasks

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"searchd/hf"
	"searchd/hf/remote"
	"searchd/models"
)

// Providers answers the providers that are stored, the default first, and the one of the environment, which is the default
// where no other is.
func (s *Service) Providers(ctx context.Context) ([]models.Provider, error) {
	list, err := s.DB.Providers(ctx)
	if err != nil || s.Environment == nil {
		return list, err
	}
	named := *s.Environment
	named.IsDefault = true
	for _, p := range list {
		if p.ProviderID == named.ProviderID { // who stores one of this name means that one
			return list, nil
		}
		if p.IsDefault && p.IsActive {
			named.IsDefault = false
		}
	}
	return append(list, named), nil
}

// Provider answers the provider of an id, as Providers does.
func (s *Service) Provider(ctx context.Context, id string) (models.Provider, error) {
	list, err := s.Providers(ctx)
	if err != nil {
		return models.Provider{}, err
	}
	for _, p := range list {
		if p.ProviderID == id {
			return p, nil
		}
	}
	return s.DB.Provider(ctx, id) // it says that there is none
}

// NewProvider stores a provider. Its key is kept encrypted and is never shown again.
func (s *Service) NewProvider(ctx context.Context, p models.Provider, key string) (models.Provider, error) {
	if err := s.prepare(ctx, &p, &key); err != nil {
		return p, err
	}
	return p, s.DB.CreateProvider(ctx, &p)
}

// ChangeProvider stores a provider that was read before; a nil key keeps the old one.
func (s *Service) ChangeProvider(ctx context.Context, p models.Provider, key *string) (models.Provider, error) {
	if key == nil {
		old, err := s.key(p)
		if err != nil {
			return p, err
		}
		// The old key goes only where it was meant to go: who may change the address may not thereby read the key.
		before, err := s.DB.Provider(ctx, p.ProviderID)
		if err != nil {
			return p, err
		}
		if old != "" && before.APIEndpoint != p.APIEndpoint {
			return p, models.Errorf(models.Invalid, "configuration.api_key", "is needed again, as the address changes: the kept key is not sent elsewhere")
		}
		key = &old
	}
	if err := s.prepare(ctx, &p, key); err != nil {
		return p, err
	}
	return p, s.DB.UpdateProvider(ctx, &p)
}

// prepare checks a provider as far as that can be done without asking it, and seals its key.
func (s *Service) prepare(ctx context.Context, p *models.Provider, key *string) error {
	*key = strings.TrimSpace(*key)
	if err := p.Check(); err != nil {
		return err
	}
	if err := checkKey(*key); err != nil {
		return err
	}
	if err := s.checkFallbacks(ctx, *p); err != nil {
		return err
	}
	if p.ProviderType != Local {
		if _, err := s.Connect(*p, *key); err != nil {
			return models.Errorf(models.Invalid, "api_endpoint", "%s", reason(err))
		}
	}
	p.SealedKey, p.KeyHint = "", models.KeyHint(*key)
	if *key != "" {
		p.SealedKey = s.Secrets.Seal(*key, p.ProviderID)
	}
	return nil
}

// checkFallbacks makes sure that the fallbacks of a provider are there.
func (s *Service) checkFallbacks(ctx context.Context, p models.Provider) error {
	for i, id := range p.Configuration.FallbackProviders {
		field := fmt.Sprintf("configuration.fallback_providers[%d]", i)
		switch id {
		case "":
			return models.Errorf(models.Invalid, field, "is empty; name a provider")
		case p.ProviderID:
			return models.Errorf(models.Invalid, field, "is the provider itself; name another")
		}
		if _, err := s.provider(ctx, id); models.CodeOf(err) == models.NotFound {
			return models.Errorf(models.Invalid, field, "there is no provider %.128q; add it first", id)
		}
	}
	return nil
}

// checkKey refuses what cannot stand in a header.
func checkKey(key string) error {
	const longest = 4 << 10
	if len(key) > longest || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return models.Errorf(models.Invalid, "configuration.api_key", "has characters that no key has, or too many of them")
	}
	return nil
}

func (s *Service) key(p models.Provider) (string, error) {
	if s.Environment != nil && p.ProviderID == s.Environment.ProviderID && p.Seq == 0 {
		return s.Key, nil
	}
	if p.SealedKey == "" {
		return "", nil
	}
	key, err := s.Secrets.Open(p.SealedKey, p.ProviderID)
	if err != nil {
		return "", models.Errorf(models.Unavailable, "provider", "%v", err)
	}
	return key, nil
}

// TestProvider asks a provider what it is, and for one small answer of each model that is set. It says what it tried and
// what came back.
func (s *Service) TestProvider(ctx context.Context, id string) (remote.Probe, []string, error) {
	p, err := s.provider(ctx, id)
	if err != nil {
		return remote.Probe{}, nil, err
	}
	if p.ProviderType == Local {
		return remote.Probe{Trials: []remote.Trial{{URL: "this process", Answer: "embeddings, extractive summaries and answers, sentiment by rules"}}}, nil, nil
	}
	server, err := s.connect(p)
	if err != nil {
		return remote.Probe{}, nil, err
	}
	return server.Probe(ctx, smallCalls(p)...), server.Warnings(), nil
}

// smallCalls are the cheapest calls that show that a provider's models answer.
func smallCalls(p models.Provider) []hf.Call {
	var calls []hf.Call
	one := 1
	if m := p.Configuration.DefaultModel; m != "" || p.ProviderType == "tgi" {
		calls = append(calls, hf.Call{Task: hf.TextGeneration, Model: m, Inputs: []string{"Hello"}, Params: hf.Params{MaxTokens: &one}})
	}
	if m := p.Configuration.EmbeddingModel; m != "" || p.ProviderType == "tei" {
		calls = append(calls, hf.Call{Task: hf.FeatureExtraction, Model: m, Inputs: []string{"Hello"}})
	}
	if len(calls) == 0 && p.ProviderType == "huggingface" { // its list of models is public: only a call shows whether the key is good
		calls = append(calls, hf.Call{Task: hf.FeatureExtraction, Model: "sentence-transformers/all-MiniLM-L6-v2", Inputs: []string{"Hello"}})
	}
	return calls
}

// provider is the provider of an id; without one, the default, then the one of the environment, then this process.
func (s *Service) provider(ctx context.Context, id string) (models.Provider, error) {
	if id == Local {
		return models.Provider{ProviderID: Local, Name: "this process", ProviderType: Local, IsActive: true}, nil
	}
	if id != "" {
		p, err := s.DB.Provider(ctx, id)
		if models.CodeOf(err) == models.NotFound && s.Environment != nil && s.Environment.ProviderID == id {
			return *s.Environment, nil
		}
		if err == nil && !p.IsActive {
			err = models.Errorf(models.Invalid, "provider", "%q is not active", id)
		}
		return p, err
	}
	list, err := s.Providers(ctx)
	if err != nil {
		return models.Provider{}, err
	}
	for _, p := range list {
		if p.IsDefault && p.IsActive {
			return p, nil
		}
	}
	return s.provider(ctx, Local)
}

// connect opens a provider, once for each version of its record.
func (s *Service) connect(p models.Provider) (*remote.Provider, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.open[p.ProviderID]; ok && c.updated.Equal(p.UpdatedAt) {
		return c.remote, nil
	}
	key, err := s.key(p)
	if err != nil {
		return nil, err
	}
	server, err := s.Connect(p, key)
	if err != nil {
		return nil, models.Errorf(models.Invalid, "provider", "%q cannot be used: %s", p.ProviderID, reason(err))
	}
	s.open[p.ProviderID] = connection{server, p.UpdatedAt}
	return server, nil
}

// reason is what is wrong with a provider, without the class of the fault before it.
func reason(err error) string {
	var failed *hf.CallError
	if errors.As(err, &failed) {
		return failed.Message
	}
	return err.Error()
}
