package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"searchd/api/wire"
)

type evalCommand struct {
	Dir  string   `arg:"" help:"Folder with corpus.jsonl, queries.jsonl (.gz too) and qrels.tsv." type:"existingdir"`
	Mode []string `help:"Modes to measure, and to compare with each other." default:"semantic,lexical,hybrid" enum:"semantic,lexical,hybrid"`
	Keep string   `help:"Keep the store in this folder, and go on from what is there: documents that it has are not embedded again." placeholder:"FOLDER"`
}

// depth is how many hits a query is asked for: recall is measured there.
const depth = 100

// judged is a corpus with questions and the grades of their answers.
type judged struct {
	docs    []wire.Document
	queries []question
	grades  map[string]map[string]int // by question, by document
}

type question struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

// Run measures in a store of its own, which it throws away unless it is to be kept.
func (e *evalCommand) Run(ctx context.Context, c *cli, t terminal) (err error) {
	if c.Server != "" {
		return usageError("eval works in a store of its own; leave --server out")
	}
	set, err := readJudged(e.Dir)
	if err != nil {
		return err
	}
	own := *c
	if own.Data = e.Keep; e.Keep == "" {
		if own.Data, err = os.MkdirTemp("", "searchd-eval-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(own.Data)) }()
	}
	return own.with(ctx, t, func(s session) error {
		for part := range slices.Chunk(set.docs, 500) {
			if _, err := s.Ingest(ctx, "", part, 600); err != nil {
				return err
			}
		}
		_, err := fmt.Fprintf(t.out, "%-10s %9s %9s %8s %11s %8s\n", "mode", "documents", "questions", "nDCG@10", "recall@100", "MRR@10")
		measured := make([]scores, len(e.Mode))
		for i, mode := range e.Mode {
			if measured[i], err = measure(ctx, s, set, mode); err != nil {
				return err
			}
			m := measured[i]
			_, err = fmt.Fprintf(t.out, "%-10s %9d %9d %8.4f %11.4f %8.4f\n", mode, len(set.docs), m.questions, m.ndcg, m.recall, m.mrr)
		}
		return errors.Join(err, printPairs(t.out, e.Mode, measured))
	})
}

// scores are means over the questions that have judgements.
type scores struct {
	questions         int
	ndcg, recall, mrr float64
	each              []float64 // question's nDCG
}

// settle waits until a collection has been measured, which decides how a hybrid search ranks.
func settle(ctx context.Context, s session) error {
	one := 1
	for ctx.Err() == nil {
		answer, err := s.Search(ctx, "", wire.SearchRequest{Query: "anything", Limit: &one, Explain: true})
		if err != nil || answer.WordWeight > 0 {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
	return ctx.Err()
}

func measure(ctx context.Context, s session, set judged, mode string) (scores, error) {
	var sum scores
	limit := depth
	if mode == "hybrid" {
		if err := settle(ctx, s); err != nil {
			return sum, err
		}
	}
	for _, q := range set.queries {
		grades := set.grades[q.ID]
		if len(grades) == 0 {
			continue
		}
		answer, err := s.Search(ctx, "", wire.SearchRequest{Query: q.Text, Mode: wire.Choice(mode), Limit: &limit})
		if err != nil {
			return scores{}, fmt.Errorf("question %s: %w", q.ID, err)
		}
		found := make([]int, len(answer.Hits))
		for i, h := range answer.Hits {
			found[i] = grades[h.DocumentID]
		}
		sum.questions++
		sum.each = append(sum.each, ndcg(found, grades))
		sum.ndcg += sum.each[len(sum.each)-1]
		sum.recall += recall(found, grades)
		sum.mrr += reciprocalRank(found)
	}
	n := float64(max(sum.questions, 1))
	return scores{sum.questions, sum.ndcg / n, sum.recall / n, sum.mrr / n, sum.each}, nil
}

const top = 10

// ndcg is the discounted gain of the first ten hits as a share of the best possible; gains are the grades.
// Järvelin and Kekäläinen, 2002.
func ndcg(found []int, grades map[string]int) float64 {
	ideal := make([]int, 0, len(grades))
	for _, g := range grades {
		ideal = append(ideal, g)
	}
	slices.SortFunc(ideal, func(a, b int) int { return b - a })
	return gain(found) / gain(ideal)
}

func gain(grades []int) float64 {
	var sum float64
	for i, g := range grades[:min(top, len(grades))] {
		sum += float64(g) / math.Log2(float64(i+2))
	}
	return sum
}

func recall(found []int, grades map[string]int) float64 {
	n := 0
	for _, g := range found {
		if g > 0 {
			n++
		}
	}
	return float64(n) / float64(len(grades))
}

func reciprocalRank(found []int) float64 {
	for i, g := range found[:min(top, len(found))] {
		if g > 0 {
			return 1 / float64(i+1)
		}
	}
	return 0
}

func readJudged(dir string) (judged, error) {
	set := judged{grades: map[string]map[string]int{}}
	err := readJSONL(dir, "corpus.jsonl", func(line []byte) error {
		var doc struct {
			ID       jsontext.Value `json:"id"`
			Title    string         `json:"title"`
			Text     string         `json:"text"`
			Metadata jsontext.Value `json:"metadata"`
		}
		err := json.Unmarshal(line, &doc)
		if doc.Text == "" {
			doc.Text = doc.Title
		}
		if doc.Text != "" { // a document without a text cannot be found, and some sets have one
			set.docs = append(set.docs, wire.Document{ID: plain(doc.ID), Title: doc.Title, Text: doc.Text})
		}
		return err
	})
	if err != nil {
		return set, err
	}
	err = readJSONL(dir, "queries.jsonl", func(line []byte) error {
		var q struct {
			ID   jsontext.Value `json:"id"`
			Text string         `json:"text"`
		}
		err := json.Unmarshal(line, &q)
		set.queries = append(set.queries, question{ID: plain(q.ID), Text: q.Text})
		return err
	})
	if err != nil {
		return set, err
	}
	return set, set.readGrades(filepath.Join(dir, "qrels.tsv"))
}

// plain is an id that may be written as a string or as a number.
func plain(v jsontext.Value) string {
	var s string
	if err := json.Unmarshal(v, &s); err == nil {
		return s
	}
	return string(v)
}

// readGrades reads lines of question, document and grade, after a line of headings.
func (set *judged) readGrades(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for i, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		fields := strings.Split(strings.TrimSpace(line), "\t")
		if i == 0 {
			continue
		}
		grade, err := strconv.Atoi(fields[len(fields)-1])
		if err != nil || len(fields) != 3 {
			return fmt.Errorf("%s:%d: a line is question, document and grade, with tabs between", path, i+1)
		}
		if grade > 0 {
			if set.grades[fields[0]] == nil {
				set.grades[fields[0]] = map[string]int{}
			}
			set.grades[fields[0]][fields[1]] = grade
		}
	}
	return nil
}

func readJSONL(dir, name string, fn func(line []byte) error) (err error) {
	f, err := os.Open(filepath.Join(dir, name))
	packed := errors.Is(err, os.ErrNotExist)
	if packed {
		f, err = os.Open(filepath.Join(dir, name+".gz"))
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var r io.Reader = f
	if packed {
		if r, err = gzip.NewReader(f); err != nil {
			return fmt.Errorf("%s: %w", f.Name(), err)
		}
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for number := 1; lines.Scan(); number++ {
		if len(strings.TrimSpace(lines.Text())) == 0 {
			continue
		}
		if err := fn(lines.Bytes()); err != nil {
			return fmt.Errorf("%s:%d: %w", f.Name(), number, err)
		}
	}
	return lines.Err()
}
