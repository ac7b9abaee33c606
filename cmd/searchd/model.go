package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"

	"searchd/hf"
	"searchd/hf/hub"
	"searchd/hf/library"
	"searchd/hf/local"
	"searchd/internal/metrics"
	"searchd/models"
)

type modelCommand struct {
	List    modelList    `cmd:"" help:"List the models that can be used."`
	Pull    modelPull    `cmd:"" help:"Bring a model from the Hugging Face hub."`
	Info    modelInfo    `cmd:"" help:"Show what is known about a model."`
	Convert modelConvert `cmd:"" help:"Quantise published weights to int8, for use or for bundling."`
	Remove  modelRemove  `cmd:"" help:"Delete a model that was pulled."`
}

type modelList struct{}

func (*modelList) Run(c *cli, t terminal) error {
	available, err := c.Models.open(c.Data, metrics.New(version), logger(t.err, c.Log))
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	if _, err := fmt.Fprintln(w, "MODEL\tKIND\tDIMENSIONS\tMAX TOKENS\tPRECISION\tLICENCE\tWHERE"); err != nil {
		return err
	}
	unusable := 0
	for _, f := range available.List() {
		if f.Err != nil {
			unusable++
			continue
		}
		dimensions := "-"
		if f.Kind == library.Embedder {
			dimensions = fmt.Sprint(f.Card.Dimensions)
		}
		row := []any{f.Card.ID, f.Kind, dimensions, f.Card.MaxTokens, f.Card.Precision, cmp.Or(f.Card.Licence, "-"), f.Card.Source}
		if _, err := fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\t%s\n", row...); err != nil {
			return err
		}
	}
	if unusable > 0 {
		_, _ = fmt.Fprintf(t.err, "%d more cannot be run here; searchd model info ID says why\n", unusable)
	}
	return w.Flush()
}

type modelInfo struct {
	ID string `arg:"" optional:"" help:"The model; the default model if left out."`
}

func (i *modelInfo) Run(c *cli, t terminal) error {
	available, err := c.Models.open(c.Data, metrics.New(version), logger(t.err, c.Log))
	if err != nil {
		return err
	}
	found, err := available.Find(i.ID)
	if err != nil {
		return err
	}
	card, err := openCard(available, found)
	if err != nil {
		return err
	}
	rows := cardRows(card)
	if found.Kind == library.Embedder {
		rows = append(rows, vectorRows(card)...)
	}
	if found.Dir != "" {
		rows = append(rows, [2]string{"files", found.Dir})
	}
	return printRows(t, rows)
}

// openCard opens a model, which shows that it can be run, and answers what it says of itself.
func openCard(available *library.Library, f library.Found) (hf.Card, error) {
	var m interface{ Card() hf.Card }
	var err error
	switch f.Kind {
	case library.Classifier:
		m, err = available.Classifier(f.Card.ID)
	case library.Reranker:
		m, err = available.Reranker(f.Card.ID)
	default:
		m, err = available.Model(f.Card.ID)
	}
	if err != nil {
		return hf.Card{}, err
	}
	return m.Card(), nil
}

// cardRows is what there is to say of every model.
func cardRows(card hf.Card) [][2]string {
	return [][2]string{
		{"model", card.ID}, {"revision", card.Revision}, {"task", card.Task}, {"architecture", card.Architecture},
		{"parameters", parameters(card)}, {"max tokens", fmt.Sprint(card.MaxTokens)},
		{"precision", card.Precision}, {"arithmetic", card.Arithmetic}, {"licence", card.Licence}, {"from", card.Source},
	}
}

// vectorRows is what there is to say of a model that makes embeddings.
func vectorRows(card hf.Card) [][2]string {
	unrelated := "not measured"
	if card.Null.StdDev > 0 {
		unrelated = fmt.Sprintf("cosine %.3f ± %.3f", card.Null.Mean, card.Null.StdDev)
	}
	return [][2]string{
		{"dimensions", fmt.Sprint(card.Dimensions)}, {"pooling", card.Pooling}, {"unit length", yesNo(card.Normalized)},
		{"query prompt", quoted(card.Prompts[hf.Query])}, {"document prompt", quoted(card.Prompts[hf.Document])},
		{"unrelated texts", unrelated},
	}
}

func parameters(card hf.Card) string {
	if card.Parameters < 1e6 {
		return fmt.Sprint(card.Parameters)
	}
	return fmt.Sprintf("%.1f million", float64(card.Parameters)/1e6)
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// quoted is a prompt with its blanks to be seen; none where there is none.
func quoted(prompt string) string {
	if prompt == "" {
		return ""
	}
	return fmt.Sprintf("%q", prompt)
}

// printRows prints names and values; a dash stands where there is no value.
func printRows(t terminal, rows [][2]string) error {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		if _, err := fmt.Fprintf(w, "%s\t%s\n", row[0], cmp.Or(row[1], "-")); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprint(t.out, b.String())
	return err
}

type modelPull struct {
	ID    string  `arg:"" help:"The model, as publisher/name, with @revision after it for another than main."`
	MaxGB float64 `name:"max-gb" help:"Refuse a model that is larger." default:"8"`
}

// Run brings a model, and opens it: a model that cannot be run is better known now than with the first query.
func (p *modelPull) Run(ctx context.Context, c *cli, t terminal) error {
	name, err := modelName(p.ID)
	if err != nil {
		return err
	}
	o := hub.Environment(os.Getenv)
	o.MaxBytes = int64(p.MaxGB * 1e9)
	if o.MaxBytes <= 0 {
		return usageError("--max-gb must be more than 0")
	}
	start, bar := time.Now(), pullBar{terminal: t}
	got, err := hub.New(o).Pull(ctx, name, hub.Watch{Report: bar.show, Check: func(dir string) error {
		if err := checkConfig(os.DirFS(dir)); err != nil {
			return fmt.Errorf("%s cannot be run here, so its weights were not fetched: %w", name, err)
		}
		return nil
	}})
	bar.clear()
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(t.out, "pulled %s at %.8s: %d files, %s, of which %s fetched in %.1f s\n",
		name, got.Commit, got.Files, megabytes(got.Bytes), megabytes(got.Fetched), time.Since(start).Seconds()); err != nil {
		return err
	}
	return p.open(c, t, got.Dir)
}

// open says what the model that has come is good for.
func (p *modelPull) open(c *cli, t terminal, dir string) error {
	available, err := c.Models.open(c.Data, metrics.New(version), logger(t.err, c.Log))
	if err != nil {
		return err
	}
	for _, f := range available.List() {
		if f.Dir != dir {
			continue
		}
		card, err := openCard(available, f)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(t.out, "%s is ready: %s, %s, %s parameters, up to %d tokens\n",
			card.ID, f.Kind, card.Architecture, parameters(card), card.MaxTokens)
		return err
	}
	return fmt.Errorf("%s has come, into %s, but is no model that is found there", p.ID, dir)
}

// modelName reads the name of a model; a wrong one is a mistake in how the command was called.
func modelName(id string) (hub.Name, error) {
	name, err := hub.ParseName(id)
	var wrong *models.Error
	if errors.As(err, &wrong) {
		return hub.Name{}, usageError(wrong.Message)
	}
	return name, err
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// pullBar shows how far a pull has come, where standard error is a terminal.
type pullBar struct {
	terminal terminal
	bar      *progressbar.ProgressBar
	file     string
}

func (b *pullBar) show(p hub.Progress) {
	if b.bar == nil && isTerminal(b.terminal.err) {
		b.bar = progressbar.NewOptions64(p.Total,
			progressbar.OptionSetWriter(b.terminal.err), progressbar.OptionShowBytes(true), progressbar.OptionSetWidth(30),
			progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionFullWidth())
	}
	if b.bar != nil {
		if p.File != b.file {
			b.file = p.File
			b.bar.Describe(fmt.Sprintf("%s, %s", p.File, megabytes(p.Size)))
		}
		_ = b.bar.Set64(p.TotalDone) // a bar that cannot be drawn is no reason to stop
	}
}

func (b *pullBar) clear() {
	if b.bar != nil {
		_ = b.bar.Clear()
	}
}

type modelConvert struct {
	Src string `arg:"" help:"Folder of a published model, or its model.safetensors." type:"existingpath"`
	Dst string `arg:"" help:"Folder to write to." type:"path"`
}

func (m *modelConvert) Run(t terminal) error {
	if err := local.Convert(m.Src, m.Dst); err != nil {
		return err
	}
	_, err := fmt.Fprintf(t.out, "converted %s into %s\n", m.Src, m.Dst)
	return err
}

type modelRemove struct {
	ID string `arg:"" help:"The model, as publisher/name. All its revisions are deleted."`
}

func (r *modelRemove) Run(c *cli, t terminal) error {
	name, err := modelName(r.ID)
	if err != nil {
		return err
	}
	if name.Revision != hub.Main {
		return usageError("remove deletes a model in all its revisions; leave @" + name.Revision + " out")
	}
	cache := hub.Environment(os.Getenv).Cache
	if err := cache.Remove(name.ID); models.CodeOf(err) == models.NotFound {
		return c.notPulled(t, name.ID, err)
	} else if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "removed %s from %s\n", name.ID, cache)
	return err
}

// notPulled says why a model cannot be removed that is here all the same.
func (c *cli) notPulled(t terminal, id string, notHere error) error {
	available, err := c.Models.open(c.Data, metrics.New(version), logger(t.err, c.Log))
	if err != nil {
		return err
	}
	found, err := available.Find(id)
	switch {
	case err != nil:
		return notHere
	case found.Dir == "":
		return fmt.Errorf("%s is part of searchd and cannot be removed", id)
	}
	return fmt.Errorf("%s was not pulled; delete its folder yourself: %s", id, found.Dir)
}
