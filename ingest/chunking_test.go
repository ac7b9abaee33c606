package ingest_test

import (
	"context"
	"strings"
	"testing"

	"searchd/hf"
	"searchd/hf/hftest"
	"searchd/models"
)

// A text that is not to be split is one chunk, and says what the model has not read of it.
func TestNoChunking(t *testing.T) {
	m := small()
	w := newWorld(t, hftest.Set{m})
	long := strings.Repeat("The keeper climbs two hundred steps. ", 40)
	send := func(how models.Chunking) []models.JobItem {
		foretold, err := w.ingest.Rehearse(w.c)
		w.must(err)
		in := w.ingest.Begin(w.c)
		in.Chunking, foretold.Chunking = how, how
		for i, d := range []models.Draft{w.draft("short", "A short one.", ""), w.draft("long", long, "")} {
			d.Title = "Keeper"
			w.must(in.Add(t.Context(), at(i), d, nil))
			w.must(foretold.Add(t.Context(), at(i), d, nil))
		}
		preview, err := foretold.Preview(t.Context())
		w.must(err)
		job, err := in.Commit(t.Context())
		w.must(err)
		_, items := w.wait(job)
		for i, item := range items {
			if p := preview.Items[i]; p.Status != item.Status || p.Chunks != item.Chunks || p.Tokens != item.Tokens {
				t.Errorf("%q: foretold %+v, done %+v", how, p, item)
			}
		}
		return items
	}
	items := send(models.NoChunking)
	if items[0].Chunks != 1 || items[0].Truncated || items[1].Chunks != 1 || !items[1].Truncated || items[1].Tokens > m.Card().MaxTokens {
		t.Errorf("%+v", items)
	}
	stored, err := w.db.Document(t.Context(), w.c.ID, "long")
	w.must(err)
	chunks, err := w.db.ChunksOf(t.Context(), stored.Seq)
	w.must(err)
	if len(chunks) != 1 || chunks[0].Start != 0 || chunks[0].End != len(long) {
		t.Errorf("%+v", chunks)
	}
	if items = send(models.NoChunking); items[0].Status != unchanged || items[1].Status != unchanged {
		t.Errorf("again: %v", statuses(items))
	}
	if items = send(models.AutoChunks); items[1].Status != updated || items[1].Chunks < 2 || items[1].Truncated {
		t.Errorf("split after all: %+v", items)
	}
	if items = send(""); items[1].Status != unchanged {
		t.Errorf("split as ever: %+v", items)
	}
	w.checkIndex()
}

// unspaced is a model whose tokenizer makes two tokens of a word that no space stands before, as those with byte-level BPE do of
// some words, and that has a prompt.
type unspaced struct{ *hftest.Model }

func (u unspaced) Card() hf.Card {
	c := u.Model.Card()
	c.Prompts = map[hf.Role]string{hf.Document: "passage of a text: "}
	return c
}

func (u unspaced) Tokenize(text string) []hf.Token {
	tokens := u.Model.Tokenize(text)
	if len(tokens) == 0 || tokens[0].End-tokens[0].Start < 2 {
		return tokens
	}
	first, second := tokens[0], tokens[0]
	first.End, second.Start = first.Start+1, first.Start+1
	return append([]hf.Token{first, second}, tokens[1:]...)
}

func (u unspaced) Embed(ctx context.Context, role hf.Role, texts []string) ([]hf.Embedding, error) {
	all, err := u.Model.Embed(ctx, role, texts)
	for i := range all {
		n := len(u.Tokenize(u.Card().Prompts[role]+texts[i])) + 2
		all[i].Tokens, all[i].Truncated = min(n, u.Card().MaxTokens), n > u.Card().MaxTokens
	}
	return all, err
}

func TestNothingIsCutOff(t *testing.T) {
	w := newWorld(t, hftest.Set{unspaced{small()}})
	for _, title := range []string{"", "Keeper", strings.Repeat("a very long title ", 20)} {
		for i := range 60 {
			text := strings.Repeat("The keeper climbs, at dusk, two hundred steps. ", i) + strings.Repeat("word ", i)
			item := w.send(titled(w.draft("d", "It begins. "+text, ""), title))[0]
			if item.Status == failed || item.Truncated {
				t.Fatalf("%q, %d: %+v", title, i, item)
			}
		}
	}
}
