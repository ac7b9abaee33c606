package search_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"searchd/hf"
	"searchd/hf/bundled"
	"searchd/hf/local"
	"searchd/models/db"
	"searchd/search"
)

func TestHighlights(t *testing.T) {
	w := newWorld(t)
	w.add(
		doc{id: "a", parts: []string{"Ünfit words. ", "Alpha beta.  Gamma delta. Epsilon zeta."}, vectors: [][]float32{{0, 0, 0, 1}, {1, 0, 0, 0}}},
		doc{id: "b", parts: []string{"Gamma delta? \n Eta theta.", "…"}, vectors: [][]float32{{4, 3, 0, 0}, {0, 1, 0, 0}}},
		doc{id: "c", parts: []string{" — "}, vectors: [][]float32{{3, 4, 0, 0}}},
	)
	texts := map[string]string{"a": "Ünfit words. Alpha beta.  Gamma delta. Epsilon zeta.", "b": "Gamma delta? \n Eta theta.…"}
	vector := w.embed("Gamma delta.")
	r := search.Request{Query: "Gamma delta.", Limit: 10, Highlight: true, Group: search.ByChunk}
	for range 2 { // the second time from memory
		seen := map[string]bool{}
		for _, h := range w.find(r).Hits {
			if len(h.Highlights) > 3 {
				t.Errorf("%d highlights", len(h.Highlights))
			}
			for _, s := range h.Highlights {
				if texts[h.Document.ID][s.Start:s.End] != s.Text || s.Start < h.Chunk.Start || s.End > h.Chunk.End {
					t.Errorf("%s: highlight %+v", h.Document.ID, s)
				}
				seen[s.Text] = true
			}
			if !slices.IsSortedFunc(h.Highlights, func(a, b db.Span) int { return a.Start - b.Start }) {
				t.Errorf("%s: highlights %+v", h.Document.ID, h.Highlights)
			}
		}
		// The best of each chunk, and what answers a question that is like the one that was asked.
		for _, s := range []string{"Gamma delta.", "Gamma delta?", "Eta theta."} {
			if !seen[s] {
				t.Errorf("%q is not highlighted", s)
			}
		}
	}
	if n := strings.Count(strings.Join(w.model.Embedded(), "|"), "Epsilon zeta."); n != 1 {
		t.Errorf("a sentence was embedded %d times", n)
	}
	page := w.find(search.Request{Vector: vector, Limit: 1, Highlight: true, Group: search.ByChunk})
	second := w.find(search.Request{Vector: vector, Limit: 10, Highlight: true, Group: search.ByChunk, Cursor: page.NextCursor})
	if len(second.Hits) < 2 || !slices.ContainsFunc(second.Hits, func(h search.Hit) bool { return len(h.Highlights) > 0 }) {
		t.Errorf("the second page of a walk: %+v", second.Hits)
	}
	words := w.find(search.Request{Query: "Gamma delta.", Mode: search.Lexical, Limit: 1, Highlight: true})
	if len(words.Hits) != 1 || len(words.Hits[0].Highlights) == 0 {
		t.Errorf("found by words: %+v", words.Hits)
	}
	if h := w.find(search.Request{Query: "Gamma delta.", Limit: 1}).Hits[0]; h.Highlights != nil {
		t.Error("highlights that nobody asked for")
	}
}

// Questions and the paragraphs that answer them: how often the answer stands in a highlight, and how much is highlighted.
func TestHighlightsHoldTheAnswer(t *testing.T) {
	if testing.Short() {
		t.Skip("embeds some thousand sentences")
	}
	type query struct {
		ID, Text string
		Answers  []string
	}
	documents, queries := shared[struct{ ID, Text string }](t, "xquad/en/corpus.jsonl"), shared[query](t, "xquad/en/queries.jsonl")
	right := map[string]string{}
	for _, line := range sharedLines(t, "xquad/en/qrels.tsv") {
		f := strings.Split(line, "\t")
		right[f[0]] = f[1]
	}
	m, err := bundled.Open(local.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorldOf(t, m)
	var docs []doc
	for i, d := range documents {
		v := make([]float32, w.c.Dimensions)
		v[i] = 1
		docs = append(docs, doc{id: d.ID, metadata: fmt.Sprintf(`{"id":%q}`, d.ID), parts: []string{d.Text}, vectors: [][]float32{v}})
	}
	w.add(docs...)
	var asked, held, sentences, marked, whole int
	for i := 0; i < len(queries); i += 5 {
		q := queries[i]
		h := w.find(search.Request{Query: q.Text, Limit: 1, Highlight: true, Filter: w.filter(fmt.Sprintf(`{"id":%q}`, right[q.ID]))}).Hits[0]
		asked, sentences, whole = asked+1, sentences+len(h.Highlights), whole+len(h.Text)
		for _, s := range h.Highlights {
			marked += len(s.Text)
		}
		if slices.ContainsFunc(h.Highlights, func(s db.Span) bool {
			return slices.ContainsFunc(q.Answers, func(a string) bool { return strings.Contains(s.Text, a) })
		}) {
			held++
		}
	}
	share, of := float64(held)/float64(asked), float64(marked)/float64(whole)
	t.Logf("%d questions: the answer stands in a highlight of %.1f %%; %.2f highlights each, %.1f %% of the text", asked, 100*share, float64(sentences)/float64(asked), 100*of)
	if share < 0.8 || of > 0.4 {
		t.Error("less than 80 % hold the answer, or more than 40 % of the text is highlighted")
	}
}

// shared reads the JSON lines of a file of the shared data. It skips the test where there is none.
func shared[T any](t *testing.T, name string) []T {
	t.Helper()
	lines := sharedLines(t, name)
	list := make([]T, len(lines))
	for i, line := range lines {
		if err := json.Unmarshal([]byte(line), &list[i]); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

func sharedLines(t *testing.T, name string) []string {
	t.Helper()
	dir := cmp.Or(os.Getenv("SEARCHD_SHARED_DATA"), "../../shared/data")
	b, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		t.Skipf("the shared data is not here (set SEARCHD_SHARED_DATA to its folder): %v", err)
	}
	return strings.Split(strings.TrimSpace(string(b)), "\n")
}

func (w *world) embed(text string) []float32 {
	w.t.Helper()
	e, err := w.model.Embed(w.t.Context(), hf.Query, []string{text})
	w.must(err)
	return e[0].Vector
}
