package models

import (
	"net/url"
	"slices"
	"strings"
	"time"
)

// ProviderTypes are the kinds of provider: whose protocol an endpoint speaks. "local" is this process.
var ProviderTypes = []string{"huggingface", "tei", "tgi", "openai", "local"}

// Provider is somewhere that models run.
type Provider struct {
	Seq           uint64         `gorm:"primaryKey;autoIncrement"`
	ProviderID    string         `gorm:"uniqueIndex;not null"`
	Name          string         `gorm:"not null"`
	ProviderType  string         `gorm:"not null"`
	APIEndpoint   string         `gorm:"column:api_endpoint;not null"` // a base; empty means the type's own
	Configuration ProviderConfig `gorm:"serializer:json;not null"`
	SealedKey     string         `gorm:"not null"` // encrypted; never shown
	KeyHint       string         `gorm:"not null"` // what is shown of it: hf_…last4
	IsActive      bool           `gorm:"not null"`
	IsDefault     bool           `gorm:"not null"` // at most one is
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

// TableName is the name that the table was asked for by.
func (Provider) TableName() string { return "llm_providers" }

// ProviderConfig is what is used where a request does not say.
type ProviderConfig struct {
	DefaultModel   string   `json:"default_model,omitempty"`
	EmbeddingModel string   `json:"embedding_model,omitempty"`
	Temperature    *float64 `json:"temperature,omitempty"`
	MaxTokens      *int     `json:"max_tokens,omitempty"`
	// FallbackProviders are asked, in order and with their own models, where this provider fails.
	FallbackProviders []string `json:"fallback_providers,omitempty"`
}

const maxModelBytes = 256

// MaxFallbacks bounds the fallbacks of a request or of a provider, of each kind.
const MaxFallbacks = 5

// Check makes sure that a provider can be kept. Whether its endpoint is allowed is checked where it is used.
func (p *Provider) Check() error {
	if err := CheckName("provider_id", p.ProviderID); err != nil {
		return err
	}
	if strings.TrimSpace(p.Name) == "" {
		return Errorf(Invalid, "name", "is empty; give the provider a name")
	}
	if err := checkString("name", p.Name, maxNameBytes); err != nil {
		return err
	}
	if !slices.Contains(ProviderTypes, p.ProviderType) {
		return Errorf(Invalid, "provider_type", "%.32q is not a type; use one of %s", p.ProviderType, strings.Join(ProviderTypes, ", "))
	}
	if err := p.checkEndpoint(); err != nil {
		return err
	}
	return p.Configuration.check()
}

func (p *Provider) checkEndpoint() error {
	if p.APIEndpoint == "" {
		if p.ProviderType == "huggingface" || p.ProviderType == "local" {
			return nil
		}
		return Errorf(Invalid, "api_endpoint", "is empty; providers of the type %s need their server's address, such as https://host:8080", p.ProviderType)
	}
	if err := checkString("api_endpoint", p.APIEndpoint, MaxURLBytes); err != nil {
		return err
	}
	u, err := url.Parse(p.APIEndpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return Errorf(Invalid, "api_endpoint", "is no address; it looks like https://host:8080, without user, query or fragment")
	}
	return nil
}

func (c ProviderConfig) check() error {
	if err := checkString("configuration.default_model", c.DefaultModel, maxModelBytes); err != nil {
		return err
	}
	if err := checkString("configuration.embedding_model", c.EmbeddingModel, maxModelBytes); err != nil {
		return err
	}
	if c.Temperature != nil && !(*c.Temperature >= 0 && *c.Temperature <= 2) {
		return Errorf(Invalid, "configuration.temperature", "is %v; it can be 0 to 2", *c.Temperature)
	}
	if c.MaxTokens != nil && (*c.MaxTokens < 1 || *c.MaxTokens > 1_000_000) {
		return Errorf(Invalid, "configuration.max_tokens", "is %d; it can be 1 to 1000000", *c.MaxTokens)
	}
	if n := len(c.FallbackProviders); n > MaxFallbacks {
		return Errorf(Invalid, "configuration.fallback_providers", "has %d providers; at most %d are allowed", n, MaxFallbacks)
	}
	return nil
}

// KeyHint is what may be shown of a key: enough to tell two apart, too little to use.
func KeyHint(key string) string {
	const shown = 4
	if key == "" {
		return ""
	}
	if len(key) < 4*shown {
		return "…"
	}
	prefix := ""
	if before, _, ok := strings.Cut(key, "_"); ok && len(before) <= shown {
		prefix = before + "_"
	}
	return prefix + "…" + key[len(key)-shown:]
}
