package search

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"searchd/internal/simd"
	"searchd/models"
)

func randomVectors(r *rand.Rand, n int) [][]float32 {
	vectors := make([][]float32, n)
	for i := range vectors {
		vectors[i] = make([]float32, 5)
		for d := range vectors[i] {
			vectors[i][d] = float32(r.NormFloat64())
		}
		vectors[i] = models.Normalize(vectors[i])
		if i > 0 && r.IntN(4) == 0 {
			vectors[i] = vectors[r.IntN(i)] // a copy
		}
	}
	return vectors
}

// gainOf is the definition in float64: what row i is worth after those that are placed.
func gainOf(i int, placed []int, values []float32, vectors [][]float32, diversity float64) float64 {
	low, high := slices.Min(values), slices.Max(values)
	value := 1.0
	if high > low {
		value = (float64(values[i]) - float64(low)) / (float64(high) - float64(low))
	}
	if len(placed) == 0 {
		return value
	}
	nearest := math.Inf(-1)
	for _, j := range placed {
		var sum float64
		for d := range vectors[i] {
			sum += float64(vectors[i][d]) * float64(vectors[j][d])
		}
		nearest = max(nearest, sum)
	}
	return (1-diversity)*value - diversity*nearest
}

func TestMMRAgainstItsDefinition(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	for range 300 {
		n := 1 + r.IntN(12)
		values := make([]float32, n)
		for i := range values {
			values[i] = float32(r.IntN(20)) / 20
		}
		vectors := randomVectors(r, n)
		for _, diversity := range []float64{0.01, 0.3, 0.7, 1} {
			order := mmr(values, vectors, diversity)
			if sorted := slices.Sorted(slices.Values(order)); len(order) != n || len(slices.Compact(sorted)) != n {
				t.Fatalf("seed %d: the order of %d rows is %v", seed, n, order)
			}
			for place, i := range order {
				for _, other := range order[place:] {
					got, better := gainOf(i, order[:place], values, vectors, diversity), gainOf(other, order[:place], values, vectors, diversity)
					if better > got+1e-6 {
						t.Fatalf("seed %d, diversity %v: at place %d stands %d of %v, but %d of %v is better", seed, diversity, place, i, got, other, better)
					}
				}
			}
		}
	}
}

func TestFoldAgainstItsDefinition(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	for range 200 {
		n := r.IntN(15)
		vectors := randomVectors(r, n)
		rows := make([]row, n)
		for i := range rows {
			rows[i].ID = uint64(i)
		}
		if n > 3 {
			vectors[2] = nil // gone: a copy of nothing
		}
		kept, keptVectors := fold(rows, vectors)
		var all []uint64
		for k, row := range kept {
			all = append(append(all, row.ID), row.duplicates...)
			if !slices.Equal(keptVectors[k], vectors[row.ID]) {
				t.Fatalf("seed %d: a vector went to another row", seed)
			}
			for _, before := range kept[:k] {
				if similarity(vectors[row.ID], vectors[before.ID]) >= sameText {
					t.Fatalf("seed %d: %d is a copy of %d", seed, row.ID, before.ID)
				}
			}
			for _, d := range row.duplicates {
				if d < row.ID || similarity(vectors[d], vectors[row.ID]) < sameText {
					t.Fatalf("seed %d: %d was folded into %d", seed, d, row.ID)
				}
			}
		}
		if slices.Sort(all); len(all) != n || len(slices.Compact(all)) != n {
			t.Fatalf("seed %d: of %d rows %v are left", seed, n, all)
		}
	}
}

func TestRocchio(t *testing.T) {
	x, y := []float32{1, 0}, []float32{0, 1}
	for _, test := range []struct {
		question     []float32
		like, unlike [][]float32
		want         []float32
	}{
		{nil, [][]float32{x}, nil, x},
		{nil, [][]float32{x, y}, nil, []float32{1, 1}},
		{x, nil, [][]float32{y}, []float32{2, -1}},
		{x, nil, [][]float32{x}, x},            // the question outweighs what it shall not be like
		{nil, [][]float32{x, {-1, 0}}, nil, x}, // no middle
	} {
		got, want := rocchio(test.question, test.like, test.unlike), models.Normalize(test.want)
		if math.Abs(float64(simd.Dot(got, want))-1) > 1e-6 {
			t.Errorf("%v like %v unlike %v: %v, want %v", test.question, test.like, test.unlike, got, want)
		}
	}
}

func BenchmarkMMR(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	values, vectors := make([]float32, window), make([][]float32, window)
	for i := range vectors {
		vectors[i] = make([]float32, 384)
		for d := range vectors[i] {
			vectors[i][d] = float32(r.NormFloat64())
		}
		values[i] = float32(-i)
	}
	for b.Loop() {
		mmr(values, vectors, 0.5)
	}
}
