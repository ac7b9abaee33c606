package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"

	"searchd/hf"
	"searchd/internal/simd"
)

type accuracy struct {
	reference
	Texts string `help:"Folder that is searched for *.jsonl with a text a line (text, query or question) and *.json with a list of strings." required:"" type:"existingdir"`
	Each  int    `help:"Most texts of one file, evenly spaced." default:"150"`

	Levels []string `help:"Kernels to measure, avx2-int8 or avx512-int16 for those that multiply in something else than they do by themselves; all that can run here if left out. Plain Go takes a quarter of a second a text."`
}

// Run compares the vectors of every kernel with the reference's.
func (a *accuracy) Run(ctx context.Context) error {
	texts, err := gather(a.Texts, a.Each)
	if err != nil {
		return err
	}
	want, err := a.vectors(ctx, texts)
	if err != nil {
		return err
	}
	if len(a.Levels) == 0 {
		a.Levels = append(simd.Levels(), otherKernels())
	}
	for _, level := range a.Levels {
		m, restore, err := openWith(level)
		if err != nil {
			return err
		}
		least, mean, worst, err := compare(ctx, m, texts, want)
		restore()
		if err != nil {
			return err
		}
		fmt.Printf("%-11s %d texts: cosine at least %.5f, mean %.5f; farthest: %.60q\n", level, len(texts), least, mean, worst)
	}
	return nil
}

// vectors asks the reference.
func (a *accuracy) vectors(ctx context.Context, texts []string) ([]float32, error) {
	if err := os.MkdirAll(a.Work, 0o755); err != nil {
		return nil, err
	}
	in, out := filepath.Join(a.Work, "accuracy.json"), filepath.Join(a.Work, "accuracy.f32")
	b, err := json.Marshal(texts)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(in, b, 0o644); err != nil {
		return nil, err
	}
	if _, err := a.run(ctx, "vectors", a.Model, in, out); err != nil {
		return nil, err
	}
	if b, err = os.ReadFile(out); err != nil {
		return nil, err
	}
	values := make([]float32, len(b)/4)
	_, err = binary.Decode(b, binary.LittleEndian, values)
	return values, err
}

// compare embeds the texts and answers the smallest and the mean cosine to the vectors that are wanted.
func compare(ctx context.Context, m hf.Model, texts []string, want []float32) (least, mean float64, worst string, err error) {
	least = 1
	n := m.Card().Dimensions
	if len(want) != n*len(texts) {
		return 0, 0, "", fmt.Errorf("the reference made %d values for %d texts", len(want), len(texts))
	}
	const together = 256
	for first := 0; first < len(texts); first += together {
		got, err := m.Embed(ctx, hf.Document, texts[first:min(first+together, len(texts))])
		if err != nil {
			return 0, 0, "", err
		}
		for i, e := range got {
			c := cosine(e.Vector, want[(first+i)*n:][:n])
			if mean += c / float64(len(texts)); c < least {
				least, worst = c, texts[first+i]
			}
		}
	}
	return least, mean, worst, nil
}

func cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	return ab / math.Sqrt(aa*bb)
}

// gather reads texts from every file of a folder that has some. Every other text is cut to a few words, so that all lengths
// occur.
func gather(folder string, each int) ([]string, error) {
	var texts []string
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		found, err := read(path)
		for i := range min(each, len(found)) {
			text := found[i*len(found)/min(each, len(found))]
			if words := strings.Fields(text); i%2 == 1 && len(words) > 0 {
				text = strings.Join(words[:min(len(words), 1+i*7%220)], " ")
			}
			texts = append(texts, text)
		}
		return err
	})
	if err == nil && len(texts) == 0 {
		err = fmt.Errorf("%s has no texts", folder)
	}
	return texts, err
}

// read answers the texts of a file; of one of another kind, none.
func read(path string) ([]string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	switch filepath.Ext(path) {
	case ".json":
		var list []string
		if json.Unmarshal(b, &list) != nil { // it is about something else
			return nil, nil
		}
		return list, nil
	case ".jsonl":
		return readLines(b), nil
	}
	return nil, nil
}

func readLines(b []byte) []string {
	var texts []string
	lines := bufio.NewScanner(strings.NewReader(string(b)))
	lines.Buffer(nil, len(b)+1)
	for lines.Scan() {
		var line map[string]any
		if json.Unmarshal(lines.Bytes(), &line) != nil {
			continue
		}
		for _, field := range []string{"text", "query", "question", "sentence1"} {
			if text, ok := line[field].(string); ok {
				texts = append(texts, text)
				break
			}
		}
	}
	return texts
}
