package db_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
	godiff "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"searchd/models"
	"searchd/models/db"
)

// tally counts documents by value from their JSON, so that it shares nothing with the rows of fields.
func tally(key string, documents []map[string]any) []db.Count {
	counts := map[string]int{}
	for _, m := range documents {
		list, isList := m[key].([]any)
		if !isList {
			list = []any{m[key]}
		}
		seen := map[string]bool{}
		for _, v := range list {
			if s, ok := spelled(v); ok && !seen[s] && len(s) <= 256 {
				seen[s] = true
				counts[s]++
			}
		}
	}
	var out []db.Count
	for value, n := range counts {
		out = append(out, db.Count{Value: value, Documents: n})
	}
	slices.SortFunc(out, func(a, b db.Count) int {
		return cmp.Or(b.Documents-a.Documents, strings.Compare(a.Value, b.Value))
	})
	return out
}

func spelled(v any) (string, bool) {
	switch v := v.(type) {
	case bool:
		return fmt.Sprint(v), true
	case float64:
		if v == 9007199254740992 {
			return "9007199254740992", true
		}
		return strconv.FormatFloat(v, 'g', -1, 64), true
	case string:
		if t, err := time.Parse(time.RFC3339Nano, v); err == nil {
			return t.UTC().Format(time.RFC3339Nano), true
		}
		return v, true
	}
	return "", false
}

func TestFacetsAgainstAnOracle(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	d := open(t, t.TempDir())
	c, other := collection(t, d, "c"), collection(t, d, "other")
	var documents []map[string]any
	var docs, noise []doc
	for i := range 150 {
		m := randomMetadata(r)
		if i%10 == 0 {
			m["k"] = []any{"1", 1.0, "true", true, "x", "x"} // written alike, and twice
		}
		documents = append(documents, m)
		docs = append(docs, doc{id: fmt.Sprint(i), text: "t", metadata: marshal(t, m), chunks: 1 + r.IntN(3)})
		noise = append(noise, doc{id: fmt.Sprint(i), text: "t", metadata: marshal(t, randomMetadata(r))})
	}
	put(t, d, c, docs...)
	put(t, d, other, noise...)
	for range 50 {
		tree := randomFilter(r, 2)
		var among []map[string]any
		for _, m := range documents {
			if meets(decodeAgain(t, tree), m) {
				among = append(among, m)
			}
		}
		for _, key := range []string{"k", "l", "m.n", "K", "absent"} {
			checkFacet(t, d, c, key, match(t, d, c, marshal(t, tree)), among)
			checkFacet(t, d, c, key, nil, documents)
		}
	}
}

func checkFacet(t *testing.T, d *db.DB, c models.Collection, key string, allow *roaring64.Bitmap, among []map[string]any) {
	t.Helper()
	want := tally(key, among)
	for _, most := range []int{1, 3, 1000} {
		got, err := d.Facet(t.Context(), c.ID, key, allow, most)
		must(t, err)
		shown := min(most, len(want))
		if diff := godiff.Diff(want[:shown], got.Values, cmpopts.EquateEmpty()); diff != "" || got.LeftOut != len(want)-shown {
			t.Fatalf("%s: %d values left out, want %d; values (-want +got)\n%s", key, got.LeftOut, len(want)-shown, diff)
		}
	}
}

func TestFacetsLeaveLongValuesOut(t *testing.T) {
	d := open(t, t.TempDir())
	c := collection(t, d, "c")
	long := strings.Repeat("x", 257)
	put(t, d, c,
		doc{id: "a", text: "t", metadata: marshal(t, map[string]any{"k": []any{long, long + "y", long[:256]}})},
		doc{id: "b", text: "t", metadata: marshal(t, map[string]any{"k": long})})
	got, err := d.Facet(t.Context(), c.ID, "k", nil, 10)
	must(t, err)
	if want := (db.Facet{Values: []db.Count{{Value: long[:256], Documents: 1}}, LeftOut: 2}); godiff.Diff(want, got) != "" {
		t.Errorf("got %+v", got)
	}
}

func BenchmarkFacet(b *testing.B) {
	d := open(b, b.TempDir())
	c := collection(b, d, "c")
	var docs []doc
	for i := range 20_000 {
		docs = append(docs, doc{id: fmt.Sprint(i), text: "t", metadata: fmt.Sprintf(`{"lang":"l%d","unique":"u%d"}`, i%20, i)})
		if len(docs) == 10_000 {
			put(b, d, c, docs...)
			docs = nil
		}
	}
	b.Run("match", func(b *testing.B) {
		for b.Loop() {
			if n := match(b, d, c, `{"unique":{"$lt":"u6"}}`).GetCardinality(); n < 10_000 {
				b.Fatal(n)
			}
		}
	})
	for _, key := range []string{"lang", "unique"} {
		b.Run(key, func(b *testing.B) {
			for b.Loop() {
				if _, err := d.Facet(b.Context(), c.ID, key, nil, 100); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
