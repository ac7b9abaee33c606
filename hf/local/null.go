package local

import (
	"context"
	_ "embed"
	"fmt"
	"math"
	"strings"

	"searchd/hf"
)

// unrelated has fifty queries and fifty passages of several fields, a line each: field, role and text. Texts of different
// fields have nothing to do with each other. The fields lie as far apart as those of judged collections; a hundred
// everyday sentences are more alike, by nearly a standard deviation.
//
//go:embed unrelated.tsv
var unrelated string

// MeasureNull answers how the cosines of unrelated queries and passages are distributed, over 2,150 pairs of texts that are
// in the binary. It takes about as long as embedding twenty passages of 128 tokens.
func MeasureNull(ctx context.Context, e hf.Embedder) (hf.Null, error) {
	queries, err := embedUnrelated(ctx, e, hf.Query, "query")
	if err != nil {
		return hf.Null{}, err
	}
	documents, err := embedUnrelated(ctx, e, hf.Document, "document")
	if err != nil {
		return hf.Null{}, err
	}
	var cosines []float64
	for _, q := range queries {
		for _, d := range documents {
			if q.field != d.field {
				cosines = append(cosines, cosine(q.vector, d.vector))
			}
		}
	}
	return distribution(cosines), nil
}

// sample is a text of a field, embedded.
type sample struct {
	field  string
	vector []float32
}

func embedUnrelated(ctx context.Context, e hf.Embedder, role hf.Role, name string) ([]sample, error) {
	var samples []sample
	var texts []string
	for line := range strings.Lines(unrelated) {
		field, rest, _ := strings.Cut(line, "\t")
		if text, ok := strings.CutPrefix(strings.TrimSpace(rest), name+"\t"); ok {
			samples, texts = append(samples, sample{field: field}), append(texts, text)
		}
	}
	answers, err := e.Embed(ctx, role, texts)
	if err != nil {
		return nil, err
	}
	if len(answers) != len(texts) {
		return nil, fmt.Errorf("local: model %s answers %d embeddings to %d texts", e.Card().ID, len(answers), len(texts))
	}
	for i, a := range answers {
		samples[i].vector = a.Vector
	}
	return samples, nil
}

// cosine is that of two vectors of the same length, 0 where one has no direction.
func cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i, x := range a {
		ab += float64(x) * float64(b[i])
		aa += float64(x) * float64(x)
		bb += float64(b[i]) * float64(b[i])
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}

func distribution(values []float64) hf.Null {
	var sum, squares float64
	for _, v := range values {
		sum += v
	}
	mean := sum / float64(len(values))
	for _, v := range values {
		squares += (v - mean) * (v - mean)
	}
	return hf.Null{Mean: mean, StdDev: math.Sqrt(squares / float64(len(values)))}
}
