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

func fillBytes(x []uint8, r *rand.Rand) {
	for i := range x {
		x[i] = uint8(r.IntN(256))
	}
}

// TestDotRows holds both kernels against int64 arithmetic, at the ends of the range too.
func TestDotRows(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := newRand()
		const longest = 512
		qs, outs := newArena(t, 2048, int16(77)), newArena(t, 1024, int32(-5))
		blocks := newArena(t, 16*longest, uint8(77))
		for n := 0; n <= longest; n += RowStep {
			for count := range 12 {
				for _, offset := range offsets {
					query, block := qs.cut(n, offset), blocks.cut(count*n/2, -1-offset)
					fillQuery(query, r, count%3 == 0)
					fillBytes(block, r)
					rows := make([]*uint8, count)
					for i := range rows {
						if n > 0 {
							rows[i] = &block[i*n/2]
						} else {
							rows[i] = new(uint8)
						}
					}
					r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
					checkDots(t, outs.cut(count, offset), query, rows)
					outs.check(t)
					DotBlock(outs.cut(count, offset), query, block)
					for i, got := range outs.slice {
						if want := dotInt64(query, block[i*n/2:][:n/2]); int64(got) != want {
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

func checkDots(t *testing.T, out []int32, query []int16, rows []*uint8) {
	t.Helper()
	DotRows(out, query, rows)
	for i, row := range rows {
		if want := dotInt64(query, unsafe.Slice(row, len(query)/2)); int64(out[i]) != want {
			t.Fatalf("%d rows of %d: got %d for row %d, want %d", len(rows), len(query), out[i], i, want)
		}
	}
}

// dotInt64 takes a row apart by the layout that is documented.
func dotInt64(query []int16, row []uint8) int64 {
	var sum int64
	for i, v := range query {
		both := row[i/64*32+i%32]
		if i%64 < 32 {
			both &= 15
		} else {
			both >>= 4
		}
		sum += int64(v) * int64(both)
	}
	return sum
}

// A vector's product is that of its rows together, and Join makes of them what Split has split.
func TestSplitAndJoin(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := newRand()
		ds, rows := newArena(t, 2048, int16(77)), newArena(t, 2048, uint8(77))
		for n := 0; n <= 512; n += RowStep {
			for _, offset := range offsets {
				vector, query := make([]int8, n), make([]int16, n)
				fillInt8(vector, r)
				fillQuery(query, r, false)
				both := rows.cut(n, -1-offset)
				high, low := both[:n/2], both[n/2:]
				Split(high, low, vector)
				rows.check(t)
				joined := ds.cut(n, offset)
				Join(joined, high, low)
				ds.check(t)
				var want, sum int64
				for i, v := range vector {
					if joined[i] != int16(v) {
						t.Fatalf("n=%d offset=%d: got %d at %d, want %d", n, offset, joined[i], i, v)
					}
					want += int64(query[i]) * int64(v)
					sum += int64(query[i])
				}
				if got := 16*dotInt64(query, high) + dotInt64(query, low) - 128*sum; got != want {
					t.Fatalf("n=%d: the rows' product is %d, that of the vector %d", n, got, want)
				}
			}
		}
	})
}

// A product of the largest values stays within int32, whatever the length.
func TestMaxQueryValue(t *testing.T) {
	for _, n := range []int{0, 1, 64, 384, 768, 1024, 4096, 65536} {
		if most := int64(MaxQueryValue(n)); most < 1 || most > math.MaxInt16 || most*15*int64(n) > math.MaxInt32 {
			t.Errorf("%d values: %d", n, most)
		}
	}
}

// BenchmarkDotRows reads rows as a graph does, from places that no processor foresees, and one after the other.
func BenchmarkDotRows(b *testing.B) {
	const n, all, count = 384, 100_000, 32
	r := newRand()
	query, block, out := make([]int16, n), make([]uint8, all*n/2), make([]int32, all)
	fillQuery(query, r, false)
	fillBytes(block, r)
	rows := make([]*uint8, all)
	for i, at := range r.Perm(all) {
		rows[i] = &block[at*n/2]
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
