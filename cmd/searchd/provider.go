package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"text/tabwriter"
	"time"

	"searchd/api/wire"
	"searchd/hf"
	"searchd/hf/gateway"
	"searchd/hf/inproc"
	"searchd/hf/remote"
	"searchd/internal/secret"
	"searchd/models"
	"searchd/models/db"
	"searchd/search"
	"searchd/tasks"
)

// providerFlags are the settings of what runs on somebody's server.
type providerFlags struct {
	AllowPrivateEndpoints bool   `help:"Let providers be at loopback, private and link-local addresses."`
	MonthlyCharacters     int64  `help:"Characters a month that may go to providers; 0 is no limit." default:"0"`
	Tier                  string `help:"How hosted Hugging Face is paid: free, pro or pay-per-use." default:"free" enum:"free,pro,pay-per-use"`
	Catalog               string `help:"A JSON file of models, presets and choices that goes over the built-in catalogue." placeholder:"FILE" type:"path"`
	RequestDays           int    `help:"Days for which model requests are remembered, without their texts." default:"30"`
}

// modelTasks is everything behind the model tasks.
type modelTasks struct {
	*tasks.Service
	gateway *gateway.Gateway
	log     *tasks.Log
}

func (f providerFlags) open(ctx context.Context, dir string, store *db.DB, found *search.Service, available hf.Models, log *slog.Logger) (*modelTasks, error) {
	secrets, err := secret.Open(dir, os.Getenv("SEARCHD_SECRET_KEY"))
	if err != nil {
		return nil, err
	}
	known, err := loadCatalog(f.Catalog)
	if err != nil {
		return nil, err
	}
	requests, err := tasks.NewLog(ctx, store, log, f.MonthlyCharacters, time.Duration(f.RequestDays)*24*time.Hour)
	if err != nil {
		return nil, err
	}
	g := gateway.New(gateway.Options{Recorder: requests, Budget: requests})
	named, key := fromEnvironment()
	return &modelTasks{gateway: g, log: requests, Service: tasks.New(tasks.Options{
		DB: store, Gateway: g, Catalog: known, Secrets: secrets, Connect: f.connect, Local: inproc.New(available), Search: found,
		Environment: named, Key: key, Usage: requests, Tier: f.tier(), Log: log,
	})}, nil
}

func (f providerFlags) tier() gateway.Tier {
	for _, t := range gateway.Tiers() {
		if t.Name == f.Tier {
			return t
		}
	}
	return gateway.Tier{}
}

func (m *modelTasks) close() {
	m.gateway.Close()
	m.log.Close()
}

// fromEnvironment is the provider that a Hugging Face token in the environment stands for, or nil.
func fromEnvironment() (*models.Provider, string) {
	key := cmp.Or(os.Getenv("HUGGINGFACE_API_TOKEN"), os.Getenv("HF_TOKEN"))
	if key == "" {
		return nil, ""
	}
	return &models.Provider{
		ProviderID: "environment", Name: "Hugging Face, from the environment", ProviderType: "huggingface",
		APIEndpoint: os.Getenv("HUGGINGFACE_API_ENDPOINT"), KeyHint: models.KeyHint(key), IsActive: true,
	}, key
}

// connect opens a provider on somebody's server.
func (f providerFlags) connect(p models.Provider, key string) (*remote.Provider, error) {
	return remote.New(remote.Options{Type: remote.Type(p.ProviderType), Endpoint: p.APIEndpoint, Key: key, AllowPrivate: f.AllowPrivateEndpoints})
}

type providerCommand struct {
	Add    providerAdd    `cmd:"" help:"Keep a provider: huggingface, tei, tgi, openai or local."`
	Test   providerTest   `cmd:"" help:"Ask a provider whether it is there."`
	List   providerList   `cmd:"" help:"List the providers."`
	Remove providerRemove `cmd:"" help:"Forget a provider and its key."`
}

type providerAdd struct {
	Type           string `arg:"" help:"huggingface, tei, tgi, openai or local."`
	Name           string `help:"Its name, from which its id is made." required:""`
	APIKey         string `help:"Its key; it is kept encrypted." name:"api-key" env:"SEARCHD_PROVIDER_KEY"`
	Endpoint       string `help:"Its address, where the type has none of its own." placeholder:"URL"`
	Model          string `help:"Model for texts, where a request names none."`
	EmbeddingModel string `help:"Model for embeddings, where a request names none."`
	SetDefault     bool   `help:"Use it where a request names no provider."`
}

func (a *providerAdd) Run(ctx context.Context, c *cli, t terminal) error {
	return c.with(ctx, t, func(s session) error {
		made, err := s.AddProvider(ctx, wire.NewProvider{
			Name: a.Name, ProviderType: a.Type, APIEndpoint: a.Endpoint, IsDefault: a.SetDefault,
			Configuration: wire.ProviderConfig{APIKey: &a.APIKey, DefaultModel: a.Model, EmbeddingModel: a.EmbeddingModel},
		})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(t.out, "added provider %s; try it with: searchd provider test %s\n", made.ProviderID, made.ProviderID)
		return err
	})
}

type providerTest struct {
	ID string `arg:"" help:"The provider's id."`
}

func (p *providerTest) Run(ctx context.Context, c *cli, t terminal) error {
	return c.with(ctx, t, func(s session) error {
		probe, err := s.TestProvider(ctx, p.ID)
		if err != nil {
			return err
		}
		var rows [][2]string
		for _, trial := range probe.Trials {
			rows = append(rows, [2]string{"tried", trial.Tried}, [2]string{"answer", trial.Answer}, [2]string{"took", fmt.Sprintf("%.0f ms", trial.TookMS)})
			if trial.Advice != "" {
				rows = append(rows, [2]string{"what to do", trial.Advice})
			}
		}
		for _, warning := range probe.Warnings {
			rows = append(rows, [2]string{"warning", warning})
		}
		if err := printRows(t, rows); err != nil {
			return err
		}
		if !probe.OK {
			return fmt.Errorf("provider %s does not work", p.ID)
		}
		return nil
	})
}

type providerList struct{}

func (*providerList) Run(ctx context.Context, c *cli, t terminal) error {
	return c.with(ctx, t, func(s session) error {
		list, err := s.Providers(ctx)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
		if _, err := fmt.Fprintln(w, "PROVIDER\tTYPE\tENDPOINT\tMODEL\tEMBEDDING MODEL\tKEY\tDEFAULT"); err != nil {
			return err
		}
		for _, p := range list.Providers {
			key, preset := "", ""
			if p.Configuration.APIKey != nil {
				key = *p.Configuration.APIKey
			}
			if p.IsDefault {
				preset = "yes"
			}
			if _, err := fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", p.ProviderID, p.ProviderType, p.APIEndpoint,
				p.Configuration.DefaultModel, p.Configuration.EmbeddingModel, key, preset); err != nil {
				return err
			}
		}
		return w.Flush()
	})
}

type providerRemove struct {
	ID string `arg:"" help:"The provider's id."`
}

func (p *providerRemove) Run(ctx context.Context, c *cli, t terminal) error {
	return c.with(ctx, t, func(s session) error {
		if err := s.RemoveProvider(ctx, p.ID); err != nil {
			return err
		}
		_, err := fmt.Fprintf(t.out, "removed provider %s\n", p.ID)
		return err
	})
}
