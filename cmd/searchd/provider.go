package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/samber/lo"

	"searchd/api/wire"
	"searchd/hf"
	"searchd/hf/gateway"
	"searchd/hf/inproc"
	"searchd/hf/remote"
	"searchd/internal/metrics"
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
	RequestDays           int    `help:"Days for which model requests are remembered." default:"31"`
	LogPrompts            bool   `help:"Remember what was asked, too; otherwise no text is kept."`
}

// modelTasks is everything behind the model tasks.
type modelTasks struct {
	*tasks.Service
	gateway *gateway.Gateway
	log     *tasks.Log
}

func (f providerFlags) open(ctx context.Context, dir string, store *db.DB, found *search.Service, available hf.Models, counted *metrics.Metrics, log *slog.Logger) (*modelTasks, error) {
	secrets, err := secret.Open(dir, os.Getenv("SEARCHD_SECRET_KEY"))
	if err != nil {
		return nil, err
	}
	known, err := loadCatalog(f.Catalog)
	if err != nil {
		return nil, err
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	requests, err := tasks.NewLog(ctx, tasks.LogOptions{
		DB: store, Log: log, Keep: time.Duration(f.RequestDays) * 24 * time.Hour, MonthlyCharacters: f.MonthlyCharacters, Prompts: f.LogPrompts,
	})
	if err != nil {
		return nil, err
	}
	g := gateway.New(gateway.Options{Recorder: recorder{requests, counted}, Budget: requests})
	named, key := fromEnvironment()
	return &modelTasks{gateway: g, log: requests, Service: tasks.New(tasks.Options{
		DB: store, Gateway: g, Catalog: known, Secrets: secrets, Connect: f.connector(log), Local: inproc.New(available), Search: found,
		Environment: named, Key: key, Usage: requests, Tier: f.tier(), Log: log,
	})}, nil
}

// recorder keeps what was asked of providers, and counts it.
type recorder struct {
	log     *tasks.Log
	counted *metrics.Metrics
}

// Record notes a finished request.
func (r recorder) Record(ctx context.Context, done gateway.Record) {
	r.log.Record(ctx, done)
	r.counted.Provided(metrics.Provided{
		Provider: done.Provider, Task: string(done.Task), Fault: string(done.Fault), Cached: done.FromCache || done.Joined,
		CostUSD: done.EstimatedCostUSD, Took: done.Took,
	})
}

// check refuses what cannot be kept: the month's characters are counted from the log.
func (f providerFlags) check() error {
	const longestMonth = 31
	switch {
	case f.RequestDays < 1 || f.RequestDays > 3650:
		return usageError(fmt.Sprintf("--request-days is %d; it can be 1 to 3650", f.RequestDays))
	case f.MonthlyCharacters < 0:
		return usageError("--monthly-characters is negative; 0 is no limit")
	case f.MonthlyCharacters > 0 && f.RequestDays < longestMonth:
		return usageError(fmt.Sprintf("--request-days is %d, but --monthly-characters counts a month of requests; let it be 31 or more", f.RequestDays))
	}
	return nil
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
		KeyHint: models.KeyHint(key), IsActive: true,
	}, key
}

// connector opens providers on somebody's server. HUGGINGFACE_API_ENDPOINT is where those of the type huggingface are that
// have no endpoint of their own.
func (f providerFlags) connector(log *slog.Logger) tasks.Connect {
	hosted := os.Getenv("HUGGINGFACE_API_ENDPOINT")
	return func(p models.Provider, key string) (*remote.Provider, error) {
		kind, endpoint := remote.Type(p.ProviderType), p.APIEndpoint
		if kind == remote.HuggingFace {
			endpoint = cmp.Or(endpoint, hosted)
		}
		server, err := remote.New(remote.Options{Type: kind, Endpoint: endpoint, Key: key, AllowPrivate: f.AllowPrivateEndpoints})
		if err != nil {
			return nil, err
		}
		for _, warning := range server.Warnings() {
			log.Warn(warning, "provider", p.ProviderID)
		}
		return server, nil
	}
}

type providerCommand struct {
	Add    providerAdd    `cmd:"" help:"Keep a provider: huggingface, tei, tgi, openai or local."`
	Test   providerTest   `cmd:"" help:"Ask a provider whether it is there."`
	List   providerList   `cmd:"" help:"List the providers."`
	Remove providerRemove `cmd:"" help:"Forget a provider and its key."`
}

type providerAdd struct {
	Type           string   `arg:"" help:"huggingface, tei, tgi, openai or local." enum:"huggingface,tei,tgi,openai,local"`
	Name           string   `help:"Its name, from which its id is made." required:""`
	APIKey         string   `help:"Its key; it is kept encrypted." name:"api-key" env:"SEARCHD_PROVIDER_KEY"`
	Endpoint       string   `help:"Its address, where the type has none of its own." placeholder:"URL"`
	Model          string   `help:"Model for texts, where a request names none."`
	EmbeddingModel string   `help:"Model for embeddings, where a request names none."`
	Fallback       []string `help:"Provider that is asked where this one fails; several are asked in order." placeholder:"ID"`
	SetDefault     bool     `help:"Use it where a request names no provider."`
}

func (a *providerAdd) Run(ctx context.Context, c *cli, t terminal) error {
	return c.with(ctx, t, func(s session) error {
		made, err := s.AddProvider(ctx, wire.NewProvider{
			Name: a.Name, ProviderType: a.Type, APIEndpoint: a.Endpoint, IsDefault: a.SetDefault,
			Configuration: wire.ProviderConfig{
				APIKey: &a.APIKey, DefaultModel: a.Model, EmbeddingModel: a.EmbeddingModel, FallbackProviders: a.Fallback,
			},
		})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(t.out, "added provider %s; try it with: searchd provider test %s\n", made.ProviderID, made.ProviderID)
		return err
	})
}

type providerTest struct {
	ID      string        `arg:"" help:"The provider's id; local and environment are there without being added."`
	Timeout time.Duration `help:"How long the whole test may take." default:"60s"`
}

func (p *providerTest) Run(ctx context.Context, c *cli, t terminal) error {
	return c.with(ctx, t, func(s session) error {
		probe, err := s.TestProvider(ctx, p.ID, p.Timeout)
		if err != nil {
			return err
		}
		if err := printRows(t, probeRows(probe)); err != nil {
			return err
		}
		if !probe.OK {
			return fmt.Errorf("provider %s does not work", p.ID)
		}
		_, err = fmt.Fprintf(t.out, "provider %s works\n", p.ID)
		return err
	})
}

// probeRows says what was tried, what came back, how long that took, and what to do about a failure.
func probeRows(probe wire.Probe) [][2]string {
	var rows [][2]string
	for _, warning := range probe.Warnings {
		rows = append(rows, [2]string{"warning", warning})
	}
	for _, trial := range probe.Trials {
		answer := trial.Answer
		if trial.UpstreamStatus > 0 {
			answer = fmt.Sprintf("%d, %s", trial.UpstreamStatus, answer)
		}
		rows = append(rows, [2]string{"tried", trial.Tried}, [2]string{"answer", answer}, [2]string{"took", fmt.Sprintf("%.0f ms", trial.TookMS)})
		if trial.Advice != "" {
			rows = append(rows, [2]string{"what to do", trial.Advice})
		}
	}
	return rows
}

type providerList struct{}

func (*providerList) Run(ctx context.Context, c *cli, t terminal) error {
	return c.with(ctx, t, func(s session) error {
		list, err := s.Providers(ctx)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
		if _, err := fmt.Fprintln(w, "PROVIDER\tTYPE\tENDPOINT\tMODEL\tEMBEDDING MODEL\tKEY\tFALLBACK\tDEFAULT"); err != nil {
			return err
		}
		for _, p := range list.Providers {
			preset := ""
			if p.IsDefault {
				preset = "yes"
			}
			row := []string{
				p.ProviderID, p.ProviderType, p.APIEndpoint, p.Configuration.DefaultModel, p.Configuration.EmbeddingModel,
				lo.FromPtr(p.Configuration.APIKey), strings.Join(p.Configuration.FallbackProviders, ","), preset,
			}
			for i := range row {
				row[i] = cmp.Or(row[i], "-")
			}
			if _, err := fmt.Fprintln(w, strings.Join(row, "\t")); err != nil {
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
