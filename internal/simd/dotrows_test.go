package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"
)

func fillInt8(x []int8, r *rand.Rand) {
	for i := range x {
		x[i] = int8(r.IntN(256) - 128)
	}
}

// TestDotRows holds both kernels against int64 arithmetic, at the ends of the range too.
func TestDotRows(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := newRand()
		const longest = 512
		qs, outs := newArena(t, 2048, int16(77)), newArena(t, 1024, int32(-5))
		blocks := newArena(t, 16*longest, int8(77))
		for n := 0; n <= longest; n += RowStep {
			for count := range 12 {
				for _, offset := range offsets {
					query, block := qs.cut(n, offset), blocks.cut(count*n, -1-offset)
					fillQuery(query, r, count%3 == 0)
					fillInt8(block, r)
					rows := make([]*int8, count)
					for i := range rows {
						if n > 0 {
							rows[i] = &block[i*n]
						} else {
							rows[i] = new(int8)
						}
					}
					r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
					checkDots(t, outs.cut(count, offset), query, rows)
					outs.check(t)
					DotBlock(outs.cut(count, offset), query, block)
					for i, got := range outs.slice {
						if want := dotInt64(query, block[i*n:][:n]); int64(got) != want {
							t.Fatalf("block of %d rows of %d: got %d for row %d, want %d", count, n, got, i, want)
						}
					}
					outs.check(t)
				}
			}
		}
	})
}

// fillQuery takes values of the whole range that MaxQueryValue allows, or only its ends.
func fillQuery(query []int16, r *rand.Rand, ends bool) {
	most := MaxQueryValue(len(query))
	for i := range query {
		query[i] = int16(r.IntN(2*most+1) - most)
		if ends {
			query[i] = int16(most)
		}
	}
}

func checkDots(t *testing.T, out []int32, query []int16, rows []*int8) {
	t.Helper()
	DotRows(out, query, rows)
	for i, row := range rows {
		if want := dotInt64(query, unsafe.Slice(row, len(query))); int64(out[i]) != want {
			t.Fatalf("%d rows of %d: got %d for row %d, want %d", len(rows), len(query), out[i], i, want)
		}
	}
}

func dotInt64(a []int16, b []int8) int64 {
	var sum int64
	for i, v := range a {
		sum += int64(v) * int64(b[i])
	}
	return sum
}

func TestWiden(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := newRand()
		ds, ss := newArena(t, 1024, int16(77)), newArena(t, 2048, int8(77))
		for n := 0; n <= 512; n += RowStep {
			for _, offset := range offsets {
				dst, src := ds.cut(n, offset), ss.cut(n, -1-offset)
				fillInt8(src, r)
				Widen(dst, src)
				for i, v := range src {
					if dst[i] != int16(v) {
						t.Fatalf("n=%d offset=%d: got %d at %d, want %d", n, offset, dst[i], i, v)
					}
				}
				ds.check(t)
			}
		}
	})
}

// A product of the largest values stays within int32, whatever the length.
func TestMaxQueryValue(t *testing.T) {
	for _, n := range []int{0, 1, 64, 384, 768, 1024, 4096, 65536} {
		if most := int64(MaxQueryValue(n)); most < 1 || most > math.MaxInt16 || most*128*int64(n) > math.MaxInt32 {
			t.Errorf("%d values: %d", n, most)
		}
	}
}

// BenchmarkDotRows reads rows as a graph does, from places that no processor foresees, and one after the other.
func BenchmarkDotRows(b *testing.B) {
	const n, all, count = 384, 100_000, 32
	r := newRand()
	query, block, out := make([]int16, n), make([]int8, all*n), make([]int32, all)
	fillQuery(query, r, false)
	fillInt8(block, r)
	rows := make([]*int8, all)
	for i, at := range r.Perm(all) {
		rows[i] = &block[at*n]
	}
	eachLevelBench(b, func(b *testing.B) {
		for _, set := range []int{200, all} {
			b.Run(fmt.Sprintf("scattered over %d", set), func(b *testing.B) {
				for i := 0; b.Loop(); i = (i + count) % (set - count) {
					DotRows(out[:count], query, rows[i:][:count])
				}
				b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N*count), "ns/row")
			})
		}
		b.Run("block", func(b *testing.B) {
			for b.Loop() {
				DotBlock(out, query, block)
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N*all), "ns/row")
		})
	})
}
