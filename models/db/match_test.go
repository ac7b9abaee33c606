package db_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"searchd/models"
	"searchd/models/db"
)

// The oracle reads the filter's own JSON, so it shares nothing with the parser or with the rows of fields.

func meets(filter, metadata map[string]any) bool {
	for key, want := range filter {
		if !member(key, want, metadata) {
			return false
		}
	}
	return true
}

func member(key string, want any, metadata map[string]any) bool {
	part := func(f any) bool { return meets(f.(map[string]any), metadata) }
	switch key {
	case "$and":
		return !slices.ContainsFunc(want.([]any), func(f any) bool { return !part(f) })
	case "$or":
		return slices.ContainsFunc(want.([]any), part)
	case "$not":
		return !part(want)
	}
	have, present := metadata[key]
	operators, isObject := want.(map[string]any)
	if !isObject {
		operators = map[string]any{"$eq": want}
	}
	for op, v := range operators {
		if !holds(op, v, have, present) {
			return false
		}
	}
	return true
}

func holds(op string, want, have any, present bool) bool {
	elements, isList := have.([]any)
	if !isList && present {
		elements = []any{have}
	}
	one := func(test func(any) bool) bool { return slices.ContainsFunc(elements, test) }
	equal := func(want any) bool { return one(func(e any) bool { n, ok := order(e, want); return ok && n == 0 }) }
	switch op {
	case "$eq":
		return equal(want)
	case "$ne":
		return !equal(want)
	case "$in":
		return slices.ContainsFunc(want.([]any), equal)
	case "$nin":
		return !slices.ContainsFunc(want.([]any), equal)
	case "$exists":
		return present == want.(bool)
	case "$not":
		inner, isObject := want.(map[string]any)
		if !isObject {
			return !equal(want)
		}
		for op, v := range inner {
			if !holds(op, v, have, present) {
				return true
			}
		}
		return false
	case "$contains":
		text, ok := have.(string)
		part, isText := want.(string)
		return isList && equal(want) || ok && isText && strings.Contains(text, part)
	}
	return one(func(e any) bool {
		n, ok := order(e, want)
		return ok && map[string]bool{"$gt": n > 0, "$gte": n >= 0, "$lt": n < 0, "$lte": n <= 0}[op]
	})
}

// order compares two values of one type; of others it says that they cannot be compared.
func order(a, b any) (int, bool) {
	switch a := a.(type) {
	case nil:
		return 0, b == nil
	case bool:
		b, ok := b.(bool)
		if ok && a != b {
			return 1, true
		}
		return 0, ok
	case float64:
		b, ok := b.(float64)
		return cmp.Compare(a, b), ok
	case string:
		b, ok := b.(string)
		if !ok {
			return 0, false
		}
		ta, errA := time.Parse(time.RFC3339Nano, a)
		tb, errB := time.Parse(time.RFC3339Nano, b)
		if errA == nil && errB == nil {
			return ta.Compare(tb), true
		}
		return strings.Compare(a, b), errA != nil && errB != nil
	}
	return 0, false
}

var scalars = []any{
	"", "a", "b", "ab", "abc", "B", "é", "灯塔", "%", "_", "'", `"`, "2020", "true",
	"2020-01-01T00:00:00Z", "2020-01-01T02:00:00+02:00", "2020-01-01T00:00:00.000001Z", "1969-12-31T23:59:59-05:00",
	-1.0, 0.0, 1.0, 1.5, 2.0, 2020.0, 1e300, -1e-300, 9007199254740992.0, true, false, nil,
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

func randomMetadata(r *rand.Rand) map[string]any {
	m := map[string]any{}
	for _, key := range []string{"k", "l", "m.n", "K"} {
		switch r.IntN(4) {
		case 0: // absent
		case 1:
			list := make([]any, r.IntN(4))
			for i := range list {
				list[i] = pick(r, scalars)
			}
			m[key] = list
		default:
			m[key] = pick(r, scalars)
		}
	}
	return m
}

func randomFilter(r *rand.Rand, depth int) map[string]any {
	f := map[string]any{}
	for range 1 + r.IntN(2) {
		switch n := r.IntN(8); {
		case n == 0 && depth > 0:
			f["$not"] = randomFilter(r, depth-1)
		case n <= 2 && depth > 0:
			list := make([]any, 1+r.IntN(3))
			for i := range list {
				list[i] = randomFilter(r, depth-1)
			}
			f[pick(r, []string{"$and", "$or"})] = list
		default:
			f[pick(r, []string{"k", "l", "m.n", "K", "absent"})] = randomCondition(r, depth)
		}
	}
	return f
}

func randomCondition(r *rand.Rand, depth int) any {
	if r.IntN(3) == 0 {
		return pick(r, scalars)
	}
	c := map[string]any{}
	for range 1 + r.IntN(2) {
		switch op := pick(r, []string{"$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$exists", "$contains", "$not"}); op {
		case "$in", "$nin":
			list := make([]any, r.IntN(5))
			for i := range list {
				list[i] = pick(r, scalars)
			}
			c[op] = list
		case "$exists":
			c[op] = r.IntN(2) == 0
		case "$gt", "$gte", "$lt", "$lte":
			c[op] = scalars[r.IntN(27)] // those with an order
		case "$not":
			if depth == 0 {
				c["$eq"] = pick(r, scalars)
			} else {
				c[op] = randomCondition(r, depth-1)
			}
		default:
			c[op] = pick(r, scalars)
		}
	}
	return c
}

func TestMatchAgainstAnOracle(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	d := open(t, t.TempDir())
	c, other := collection(t, d, "c"), collection(t, d, "other")
	byID := map[string]map[string]any{}
	var docs, noise []doc
	for i := range 150 {
		m := randomMetadata(r)
		id := fmt.Sprintf("d%d", i)
		byID[id] = m
		docs = append(docs, doc{id: id, text: id, metadata: marshal(t, m), chunks: 1 + r.IntN(3)})
		noise = append(noise, doc{id: id, text: id, metadata: marshal(t, randomMetadata(r))})
	}
	put(t, d, c, docs...)
	put(t, d, other, noise...)

	for range 300 {
		tree := randomFilter(r, 3)
		got := matching(t, d, c, marshal(t, tree))
		var want []string
		for _, id := range slices.Sorted(maps.Keys(byID)) {
			if meets(decodeAgain(t, tree), byID[id]) {
				want = append(want, id)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: %s\nmatches %v\nwant    %v\nfirst difference %s", seed, marshal(t, tree), got, want, difference(t, got, want, byID))
		}
	}
}

func difference(t *testing.T, got, want []string, byID map[string]map[string]any) string {
	t.Helper()
	for id, m := range byID {
		if slices.Contains(got, id) != slices.Contains(want, id) {
			return id + " " + marshal(t, m)
		}
	}
	return ""
}

// matching lists the ids of the documents that meet a filter, in order.
func matching(t testing.TB, d *db.DB, c models.Collection, filter string) []string {
	t.Helper()
	allow := match(t, d, c, filter)
	if allow == nil {
		allow = match(t, d, c, `{"$not":{"no such key":1}}`)
	}
	list, err := d.Documents(t.Context(), c.ID, allow, db.Page{Limit: 10_000})
	must(t, err)
	var ids []string
	chunks := 0
	for _, doc := range list {
		ids = append(ids, doc.ID)
		chunks += doc.Chunks
	}
	if got := int(allow.GetCardinality()); got != chunks || db.CountDocuments(allow) != len(list) {
		t.Fatalf("%s: a set of %d chunks and %d documents; the documents are %d with %d chunks", filter, got, db.CountDocuments(allow), len(list), chunks)
	}
	return ids
}

func match(t testing.TB, d *db.DB, c models.Collection, filter string) *roaring64.Bitmap {
	t.Helper()
	f, err := models.ParseFilter([]byte(filter))
	if err != nil {
		t.Fatalf("%s: %v", filter, err)
	}
	allow, err := d.Match(t.Context(), c.ID, f)
	must(t, err)
	return allow
}

func marshal(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	must(t, err)
	return string(b)
}

// decodeAgain gives the oracle what a reader of the JSON would see.
func decodeAgain(t testing.TB, v any) map[string]any {
	t.Helper()
	var m map[string]any
	must(t, json.Unmarshal([]byte(marshal(t, v)), &m))
	return m
}

func TestMatchManyValues(t *testing.T) {
	d := open(t, t.TempDir())
	c := collection(t, d, "c")
	var docs []doc
	for i := range 20 {
		docs = append(docs, doc{id: fmt.Sprintf("d%02d", i), text: "t", metadata: fmt.Sprintf(`{"n":%d,"s":"v%d"}`, i*100, i*100)})
	}
	put(t, d, c, docs...)
	numbers, texts := make([]any, 1000), make([]any, 1000)
	for i := range 1000 {
		numbers[i], texts[i] = i, fmt.Sprintf("v%d", i)
	}
	for key, list := range map[string][]any{"n": numbers, "s": texts, "absent": texts} {
		want := 10
		if key == "absent" {
			want = 0
		}
		if got := matching(t, d, c, marshal(t, map[string]any{key: map[string]any{"$in": list}})); len(got) != want {
			t.Errorf("$in of 1,000 on %s: %d documents, want %d", key, len(got), want)
		}
		if got := matching(t, d, c, marshal(t, map[string]any{key: map[string]any{"$nin": list}})); len(got) != 20-want {
			t.Errorf("$nin of 1,000 on %s: %d documents, want %d", key, len(got), 20-want)
		}
	}
}

// A document may have as many chunks as an id has room for, and its neighbour's ids begin right after.
func TestMatchTheMostChunks(t *testing.T) {
	if testing.Short() {
		t.Skip("stores 65,536 rows")
	}
	d := open(t, t.TempDir())
	c := collection(t, d, "c")
	put(t, d, c, doc{id: "large", text: "t", metadata: `{"a":1}`, chunks: models.MaxChunks}, doc{id: "small", text: "t", metadata: `{"a":2}`})
	if got := matching(t, d, c, `{"a":1}`); !slices.Equal(got, []string{"large"}) {
		t.Errorf("matched %v", got)
	}
	if got := matching(t, d, c, `{"a":2}`); !slices.Equal(got, []string{"small"}) {
		t.Errorf("matched %v", got)
	}
}

func TestNoFilterAdmitsAll(t *testing.T) {
	d := open(t, t.TempDir())
	if allow, err := d.Match(t.Context(), 1, nil); allow != nil || err != nil {
		t.Errorf("got %v, %v; want the nil set", allow, err)
	}
}
