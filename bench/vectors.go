package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"searchd/hf"
	"searchd/hf/bundled"
	"searchd/hf/local"
)

// vectorWords is the usual length of what a vector is of.
const vectorWords = 16

// vectors makes what `bench index` reads: vectors of real passages and, after them, of real questions.
type vectors struct {
	Texts   string `help:"Folder that is searched for corpus.jsonl and queries.jsonl, packed with gzip or not." required:"" type:"existingdir"`
	Out     string `help:"File to write: little-endian float32, row after row, the queries last." default:".work/bench/vectors.f32" type:"path"`
	Count   int    `help:"Passages." default:"100000"`
	Queries int    `help:"Questions." default:"1000"`
	Words   int    `help:"Words of a passage: texts are cut into pieces of so many." default:"${vectorWords}"`
}

// Run embeds with the bundled model, a few thousand texts at a time.
func (v *vectors) Run(ctx context.Context) error {
	passages, err := v.passages()
	if err != nil {
		return err
	}
	queries, err := textsOf(v.Texts, "queries.jsonl")
	if err != nil {
		return err
	}
	passages, queries = sample(passages, v.Count), sample(queries, v.Queries)
	if len(passages) < v.Count || len(queries) < v.Queries {
		return fmt.Errorf("%s has %d passages and %d queries, too few", v.Texts, len(passages), len(queries))
	}
	m, err := bundled.Open(local.Options{})
	if err != nil {
		return err
	}
	f, err := os.Create(v.Out)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(f, 1<<20)
	err = errors.Join(embedTo(ctx, out, m, hf.Document, passages), embedTo(ctx, out, m, hf.Query, queries), out.Flush(), f.Close())
	return err
}

// passages cuts every text of the corpora into pieces, each once.
func (v *vectors) passages() ([]string, error) {
	texts, err := textsOf(v.Texts, "corpus.jsonl")
	if err != nil {
		return nil, err
	}
	var pieces []string
	for _, text := range texts {
		for piece := range slices.Chunk(strings.Fields(text), v.Words) {
			if len(piece)*2 > v.Words {
				pieces = append(pieces, strings.Join(piece, " "))
			}
		}
	}
	slices.Sort(pieces)
	return slices.Compact(pieces), nil
}

// sample picks n texts by chance, the same in every run.
func sample(texts []string, n int) []string {
	r := rand.New(rand.NewPCG(3, 4))
	r.Shuffle(len(texts), func(i, j int) { texts[i], texts[j] = texts[j], texts[i] })
	return texts[:min(n, len(texts))]
}

func embedTo(ctx context.Context, out io.Writer, m hf.Embedder, role hf.Role, texts []string) error {
	const together = 4096
	done := 0
	for some := range slices.Chunk(texts, together) {
		embedded, err := m.Embed(ctx, role, some)
		if err != nil {
			return err
		}
		for _, e := range embedded {
			if err := binary.Write(out, binary.LittleEndian, e.Vector); err != nil {
				return err
			}
		}
		done += len(some)
		fmt.Fprintf(os.Stderr, "%d of %d\n", done, len(texts))
	}
	return nil
}

// textsOf reads the texts of all files of a name below a folder.
func textsOf(folder, name string) ([]string, error) {
	var texts []string
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || strings.TrimSuffix(entry.Name(), ".gz") != name {
			return err
		}
		found, err := readTexts(path)
		texts = append(texts, found...)
		return err
	})
	return texts, err
}

func readTexts(path string) (texts []string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var in io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if in, err = gzip.NewReader(f); err != nil {
			return nil, err
		}
	}
	for dec := json.NewDecoder(in); ; {
		var line struct{ Title, Text string }
		if err := dec.Decode(&line); errors.Is(err, io.EOF) {
			return texts, nil
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		texts = append(texts, strings.TrimSpace(line.Title+"\n"+line.Text))
	}
}
