package encoder

import "math"

// relativeBias is what a model adds to the score of two tokens for the distance between them: MPNet's, which T5 brought up.
// The distances share 32 values a head, near ones each with a value of its own, far ones together.
type relativeBias struct {
	longest int         // tokens of the longest text
	heads   [][]float32 // for each head, the values of the distances from 1-longest to longest-1
}

// relativeBuckets is the number of values a head; the reference has no other.
const relativeBuckets = 32

// newRelativeBias spreads the table of [buckets][heads] over all distances, multiplied by factor.
func newRelativeBias(table []float32, heads, longest int, factor float32) *relativeBias {
	b := &relativeBias{longest, make([][]float32, heads)}
	for h := range heads {
		b.heads[h] = make([]float32, 2*longest-1)
		for i := range b.heads[h] {
			b.heads[h][i] = table[bucket(i-longest+1)*heads+h] * factor
		}
	}
	return b
}

// bucket is the place of a distance, the key's position less the query's.
func bucket(distance int) int {
	const side, exact, far = relativeBuckets / 2, relativeBuckets / 4, 128
	first, n := 0, -distance
	if n < 0 {
		first, n = side, -n
	}
	if n < exact {
		return first + n
	}
	steps := math.Log(float64(n)/exact) / math.Log(float64(far)/exact) * (side - exact)
	return first + min(side-1, exact+int(steps))
}

// add adds the values of one head to the scores of a query at a position.
func (b *relativeBias) add(scores []float32, head, query int) {
	for i, v := range b.heads[head][b.longest-1-query:][:len(scores)] {
		scores[i] += v
	}
}
