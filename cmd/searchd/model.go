package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"searchd/hf"
	"searchd/hf/local"
	"searchd/internal/metrics"
)

type modelCommand struct {
	List    modelList    `cmd:"" help:"List the models that can be used."`
	Info    modelInfo    `cmd:"" help:"Show what is known about a model."`
	Convert modelConvert `cmd:"" help:"Quantise published weights to int8, for use or for bundling."`
}

type modelList struct{}

func (*modelList) Run(t terminal) error {
	available, err := openModels(metrics.New(version))
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	if _, err := fmt.Fprintln(w, "MODEL\tDIMENSIONS\tMAX TOKENS\tPRECISION\tLICENCE\tWHERE"); err != nil {
		return err
	}
	for _, card := range available.Cards() {
		if _, err := fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%s\t%s\n", card.ID, card.Dimensions, card.MaxTokens, card.Precision, card.Licence, card.Source); err != nil {
			return err
		}
	}
	return w.Flush()
}

type modelInfo struct {
	ID string `arg:"" optional:"" help:"The model; the default model if left out."`
}

func (i *modelInfo) Run(t terminal) error {
	available, err := openModels(metrics.New(version))
	if err != nil {
		return err
	}
	m, err := available.Model(i.ID)
	if err != nil {
		return err
	}
	return printCard(t, m.Card())
}

func printCard(t terminal, card hf.Card) error {
	rows := [][2]string{
		{"model", card.ID}, {"revision", card.Revision}, {"task", card.Task}, {"architecture", card.Architecture},
		{"parameters", fmt.Sprintf("%.1f million", float64(card.Parameters)/1e6)},
		{"dimensions", fmt.Sprint(card.Dimensions)}, {"max tokens", fmt.Sprint(card.MaxTokens)}, {"pooling", card.Pooling},
		{"unit length", fmt.Sprint(card.Normalized)}, {"precision", card.Precision}, {"licence", card.Licence}, {"from", card.Source},
		{"query prompt", fmt.Sprintf("%q", card.Prompts[hf.Query])}, {"document prompt", fmt.Sprintf("%q", card.Prompts[hf.Document])},
		{"unrelated texts", fmt.Sprintf("cosine %.3f ± %.3f", card.Null.Mean, card.Null.StdDev)},
	}
	return printRows(t, rows)
}

func printRows(t terminal, rows [][2]string) error {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		if _, err := fmt.Fprintf(w, "%s\t%s\n", row[0], row[1]); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprint(t.out, b.String())
	return err
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
