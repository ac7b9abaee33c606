package api

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/samber/lo"

	"searchd/api/wire"
	"searchd/hf/remote"
	"searchd/models"
)

func (s *Server) listProviders(c *fiber.Ctx) error {
	if p := query(c); p.err != nil {
		return p.err
	}
	list, err := s.Tasks.Providers(c.UserContext())
	if err != nil {
		return err
	}
	return send(c, wire.ProviderList{
		Providers: lo.Map(list, func(p models.Provider, _ int) wire.Provider { return wireProvider(p) }), Total: len(list),
	})
}

func (s *Server) createProvider(c *fiber.Ctx) error {
	var body wire.NewProvider
	if err := decodeBody(c, &body); err != nil {
		return err
	}
	if body.ProviderID == "" {
		body.ProviderID = slug(body.Name)
	}
	p := models.Provider{
		ProviderID: body.ProviderID, Name: body.Name, ProviderType: body.ProviderType, APIEndpoint: body.APIEndpoint,
		Configuration: providerConfig(body.Configuration), IsActive: body.IsActive == nil || *body.IsActive, IsDefault: body.IsDefault,
	}
	made, err := s.Tasks.NewProvider(c.UserContext(), p, lo.FromPtr(body.Configuration.APIKey))
	if err != nil {
		return err
	}
	c.Status(fiber.StatusCreated)
	return send(c, wireProvider(made))
}

// slug makes an id of a name.
func slug(name string) string {
	parts := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return strings.Join(parts, "-")
}

func providerConfig(c wire.ProviderConfig) models.ProviderConfig {
	return models.ProviderConfig{
		DefaultModel: c.DefaultModel, EmbeddingModel: c.EmbeddingModel, Temperature: c.Temperature, MaxTokens: c.MaxTokens,
		FallbackProviders: c.FallbackProviders,
	}
}

func (s *Server) readProvider(c *fiber.Ctx) error {
	p, err := s.providerOf(c)
	if err != nil {
		return err
	}
	return send(c, wireProvider(p))
}

// providerOf is the provider that a path names.
func (s *Server) providerOf(c *fiber.Ctx) (models.Provider, error) {
	if p := query(c); p.err != nil {
		return models.Provider{}, p.err
	}
	id, err := url.PathUnescape(c.Params("id"))
	if err != nil {
		return models.Provider{}, models.Errorf(models.Malformed, "provider", "the path is not URL-encoded: %v", err)
	}
	return s.Tasks.Provider(c.UserContext(), id)
}

// storedProvider is the provider that a path names, if it can be changed.
func (s *Server) storedProvider(c *fiber.Ctx) (models.Provider, error) {
	p, err := s.providerOf(c)
	if err == nil && p.Seq == 0 {
		return p, models.Errorf(models.Invalid, "provider", "%q comes from the environment: change HUGGINGFACE_API_TOKEN or HF_TOKEN there", p.ProviderID)
	}
	return p, err
}

func (s *Server) patchProvider(c *fiber.Ctx) error {
	p, err := s.storedProvider(c)
	if err != nil {
		return err
	}
	var body wire.ProviderPatch
	if err := decodeBody(c, &body); err != nil {
		return err
	}
	p.Name = lo.FromPtrOr(body.Name, p.Name)
	p.APIEndpoint = lo.FromPtrOr(body.APIEndpoint, p.APIEndpoint)
	p.IsActive = lo.FromPtrOr(body.IsActive, p.IsActive)
	p.IsDefault = lo.FromPtrOr(body.IsDefault, p.IsDefault)
	var key *string
	if body.Configuration != nil {
		p.Configuration, key = providerConfig(*body.Configuration), body.Configuration.APIKey
	}
	changed, err := s.Tasks.ChangeProvider(c.UserContext(), p, key)
	if err != nil {
		return err
	}
	return send(c, wireProvider(changed))
}

func (s *Server) deleteProvider(c *fiber.Ctx) error {
	p, err := s.storedProvider(c)
	if err != nil {
		return err
	}
	if err := s.DB.DeleteProvider(c.UserContext(), p.ProviderID); err != nil {
		return err
	}
	return send(c, wire.Deleted{Deleted: 1})
}

func (s *Server) testProvider(c *fiber.Ctx) error {
	p := query(c, "timeout_ms")
	timeout := p.int("timeout_ms", defaultTimeoutMS, 1, maxTimeoutMS)
	if p.err != nil {
		return p.err
	}
	id, err := url.PathUnescape(c.Params("id"))
	if err != nil {
		return models.Errorf(models.Malformed, "provider", "the path is not URL-encoded: %v", err)
	}
	ctx, cancel := context.WithTimeout(s.live, time.Duration(timeout)*time.Millisecond)
	defer cancel()
	probe, warnings, err := s.Tasks.TestProvider(ctx, id)
	if err != nil {
		return err
	}
	return send(c, wire.Probe{
		OK: probe.OK(), Model: probe.Model, Version: probe.Version, Warnings: warnings,
		Trials: lo.Map(probe.Trials, func(t remote.Trial, _ int) wire.Trial { return wireTrial(t) }),
	})
}

func wireTrial(t remote.Trial) wire.Trial {
	return wire.Trial{
		Tried: strings.TrimSpace(t.Method + " " + t.URL), UpstreamStatus: t.Status, Answer: t.Answer,
		Fault: string(t.Fault), Advice: t.Advice, TookMS: milliseconds(t.Took),
	}
}

func wireProvider(p models.Provider) wire.Provider {
	config := wire.ProviderConfig{
		DefaultModel: p.Configuration.DefaultModel, EmbeddingModel: p.Configuration.EmbeddingModel,
		Temperature: p.Configuration.Temperature, MaxTokens: p.Configuration.MaxTokens,
		FallbackProviders: p.Configuration.FallbackProviders,
	}
	if p.KeyHint != "" {
		config.APIKey = &p.KeyHint
	}
	return wire.Provider{
		ProviderID: p.ProviderID, Name: p.Name, ProviderType: p.ProviderType, APIEndpoint: p.APIEndpoint,
		Configuration: config, IsActive: p.IsActive, IsDefault: p.IsDefault,
	}
}
