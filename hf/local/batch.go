package local

import (
	"cmp"
	"slices"

	"searchd/hf"
	"searchd/hf/encoder"
)

// text is one input, ready for the encoder.
type text struct {
	ids       []int32 // with special tokens
	second    int     // of a pair, where the second part begins; else 0
	truncated bool
}

// plan cuts texts into batches of at most budget tokens, each a list of indexes: long texts first, texts of like length
// together. A text longer than the budget is a batch of its own.
func plan(texts []text, budget int) [][]int {
	order := make([]int, len(texts))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(len(texts[b].ids), len(texts[a].ids)) })
	var batches [][]int
	first, tokens := 0, 0
	for i, t := range order {
		n := len(texts[t].ids)
		if i > first && tokens+n > budget {
			batches = append(batches, order[first:i])
			first, tokens = i, 0
		}
		tokens += n
	}
	if first < len(order) {
		batches = append(batches, order[first:])
	}
	return batches
}

// worker is what one batch at a time needs: scratch memory that lives on from batch to batch.
type worker struct {
	space   *encoder.Workspace
	batch   encoder.Batch
	vectors []float32
	tokens  []hf.Token
}

// encode runs one batch and hands each text's vector, which is overwritten by the next batch, to done.
func (w *worker) encode(m *encoder.Model, out encoder.Output, texts []text, batch []int, done func(i int, vector []float32)) error {
	w.batch.Reset()
	for _, i := range batch {
		w.batch.IDs = append(w.batch.IDs, texts[i].ids...)
		w.batch.ClosePair(texts[i].second)
	}
	n := out.Dimensions(m)
	w.vectors = slices.Grow(w.vectors[:0], len(batch)*n)[:len(batch)*n]
	if err := m.Encode(w.space, &w.batch, out, w.vectors); err != nil {
		return err
	}
	for k, i := range batch {
		done(i, w.vectors[k*n:][:n])
	}
	return nil
}
