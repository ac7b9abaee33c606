package search

import (
	"math"
	"slices"

	"searchd/index"
	"searchd/internal/simd"
	"searchd/models"
)

// What answers a question is like other things that answer it (the cluster hypothesis; van Rijsbergen, 1979). So the best hits, of
// which nobody has said that they are any good, say something about those around them: pseudo-relevance feedback, in the direction
// of their middle (Rocchio, 1971).
const (
	headRows       = 20  // of the ranking are moved by feedback, whatever page is asked for; it only ever lifts a score
	exemplars      = 10  // of them make the middle
	feedbackWeight = 0.4 // of evidence of likeness, as strong as that of a question would count
)

// feedBack adds to each hit of the head how much it is like the best ones. A score is evidence in nats, so that the share of a hit in the middle
// is how likely it would be the one that is looked for, if one of them were.
func (b *both) feedBack() error {
	x, ok := b.vectors.(index.Readable)
	if len(b.sample) == 0 || !ok {
		return nil
	}
	head := b.hits[:min(headRows, len(b.hits))]
	vectors := make([][]float32, len(head))
	for i, h := range head {
		var err error
		if vectors[i], err = x.Vector(h.ID); err != nil {
			return err
		}
	}
	middle := make([]float32, len(b.plan.vector))
	for i, v := range vectors[:min(exemplars, len(head))] {
		share := float32(math.Exp(float64(head[i].Score - head[0].Score)))
		for k, x := range v { // none where it has been deleted meanwhile
			middle[k] += share * x
		}
	}
	if simd.Dot(middle, middle) < 1e-12 { // they cancel out, or all are gone
		return nil
	}
	middle = models.Normalize(middle)
	like := fusion{null: nullOf(b.sample, middle)}
	for i, v := range vectors {
		if v == nil {
			continue
		}
		cosine := simd.Dot(v, middle)
		z := like.z(cosine)
		head[i].Feedback = Leg{Score: cosine, Evidence: float32(z)}
		head[i].Score += float32(feedbackWeight * max(0, z) * max(0, z) / 2)
	}
	slices.SortFunc(head, byScore)
	return nil
}
