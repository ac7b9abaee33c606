package db_test

import (
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"searchd/models"
	"searchd/models/db"
)

func TestVectorsComeBackBitForBit(t *testing.T) {
	v := []float32{0, float32(math.Copysign(0, -1)), 1, -1.5, math.MaxFloat32, math.SmallestNonzeroFloat32, 1.0 / 3}
	got := db.DecodeVector(db.EncodeVector(v))
	for i := range v {
		if math.Float32bits(got[i]) != math.Float32bits(v[i]) {
			t.Errorf("value %d: %v became %v", i, v[i], got[i])
		}
	}
}

func TestVectorsOfOneCollection(t *testing.T) {
	d := open(t, t.TempDir())
	c, other := collection(t, d, "c"), collection(t, d, "other")
	put(t, d, c, doc{id: "a", text: "t", chunks: 3}, doc{id: "b", text: "t"})
	put(t, d, other, doc{id: "a", text: "t"})
	got := map[uint64][]float32{}
	must(t, d.Vectors(t.Context(), c.ID, func(id uint64, v []float32) error { got[id] = v; return nil }))
	want := map[uint64][]float32{}
	for _, id := range []string{"a", "b"} {
		stored, err := d.Document(t.Context(), c.ID, id)
		must(t, err)
		for i := range stored.Chunks {
			want[models.ChunkID(stored.Seq, i)] = []float32{1, float32(i)}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	ids, err := d.VectorIDs(t.Context(), c.ID)
	must(t, err)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), ids.ToArray()); diff != "" {
		t.Errorf("ids: -want +got\n%s", diff)
	}
	some := ids.ToArray()[1:]
	delete(want, ids.Minimum())
	clear(got)
	many := append(make([]uint64, 1200), some...) // more than one statement can ask for, and ids that are not there
	must(t, d.VectorsOf(t.Context(), c.ID, many, func(id uint64, v []float32) error { got[id] = v; return nil }))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("some: -want +got\n%s", diff)
	}
	stop := errors.New("enough")
	if err := d.Vectors(t.Context(), c.ID, func(uint64, []float32) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v, want the caller's error", err)
	}
}

func TestPassagesAreCutByBytes(t *testing.T) {
	d := open(t, t.TempDir())
	c := collection(t, d, "c")
	text := "ascii é 灯塔 \U0001F9ED e\u0301 \ufeff 'quotes' \r\n end" + strings.Repeat("ü", 500)
	cuts := []int{0}
	for at := range text {
		if at > 0 && at%7 < 3 {
			cuts = append(cuts, at)
		}
	}
	cuts = append(cuts, len(text))
	j, items := accept(t, d, c, "j", doc{id: "a", text: text})
	r := db.Result{Item: items[0], Document: &models.Document{ID: "a", Title: "T", URL: "u", Text: text, Metadata: "{}", ContentHash: []byte{1}, Chunks: len(cuts) - 1}}
	for i := range len(cuts) - 1 {
		r.Chunks = append(r.Chunks, models.Chunk{Start: cuts[i], End: cuts[i+1], Tokens: i, Vector: db.EncodeVector([]float32{1, 0})})
	}
	done, err := d.Commit(t.Context(), c.ID, []db.Result{r})
	must(t, err)
	must(t, d.FinishJob(t.Context(), j.Seq, models.JobDone, ""))
	var ids []uint64
	for _, chunk := range done.Added {
		ids = append(ids, chunk.ID)
	}
	got, err := d.Passages(t.Context(), append(ids, 1<<50))
	must(t, err)
	if len(got) != len(ids) {
		t.Fatalf("%d passages, want %d", len(got), len(ids))
	}
	for i, id := range ids {
		p := got[id]
		if want := text[cuts[i]:cuts[i+1]]; p.Text != want || p.Chunk.Start != cuts[i] || p.Chunk.End != cuts[i+1] || p.Chunk.Tokens != i {
			t.Errorf("chunk %d: %q, %+v; want %q", i, p.Text, p.Chunk, want)
		}
		if p.Document.ID != "a" || p.Document.Title != "T" || p.Document.URL != "u" || p.Document.Text != "" {
			t.Errorf("chunk %d: document %+v", i, p.Document)
		}
	}
}

// What was stored comes back byte for byte.
func TestTextsComeBackByteForByte(t *testing.T) {
	d := open(t, t.TempDir())
	c := collection(t, d, "c")
	for _, text := range []string{"'; DROP TABLE documents; --", "\ufeffbom", "\u202e\u0085\u2028", "\r\n\t", "e\u0301 é", "\U0010ffff", "?1 :a @b $c"} {
		put(t, d, c, doc{id: text, text: text})
		if got, err := d.Document(t.Context(), c.ID, text); err != nil || got.ID != text || got.Text != text {
			t.Errorf("%q came back as %q, %q, %v", text, got.ID, got.Text, err)
		}
	}
}
