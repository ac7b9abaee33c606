package encoder

import "searchd/internal/simd"

// Batch is a set of texts as token ids, special tokens included: text i is IDs[Ends[i-1]:Ends[i]].
type Batch struct {
	IDs  []int32
	Ends []int
}

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() { b.IDs, b.Ends = b.IDs[:0], b.Ends[:0] }

// Close ends the text made of the ids appended to IDs since the last one.
func (b *Batch) Close() { b.Ends = append(b.Ends, len(b.IDs)) }

// longest is the number of tokens of the longest text.
func (b *Batch) longest() int {
	begin, n := 0, 0
	for _, end := range b.Ends {
		n = max(n, end-begin)
		begin = end
	}
	return n
}

// Workspace is the scratch memory of one pass at a time through the Model that made it. It grows to the largest batch it
// has seen, by about 4.5 KB a token at 384 hidden values, besides 0.9 MB.
//
// Columns that rounding added to a buffer are zero when it is allocated and are only ever written as zero.
type Workspace struct {
	// Pause, where it is set, is called a few times in each layer, so that a long pass can make way for a short one. It
	// must leave this workspace alone.
	Pause func()

	model *Model

	hidden  []float32 // [T][H] the state
	query   []float32 // [T][D] of one head
	key     []float32 // [T][D]
	value   []float32 // [D/32][T][32]
	context []float32 // [T][heads·D]

	keys   []float32 // panels of the keys of one text
	scores []float32 // [queryBlock][longest text, rounded up]

	sum   []float32 // [rowBlock][H]
	inner []float32 // [rowBlock][intermediate]
}

// NewWorkspace makes scratch memory for one goroutine.
func (m *Model) NewWorkspace() *Workspace { return &Workspace{model: m} }

// Row shows the hidden state of token i of the last batch, until the next pass.
func (ws *Workspace) Row(i int) []float32 {
	return ws.hidden[i*ws.model.hidden.stride:][:ws.model.config.Hidden]
}

func (ws *Workspace) pause() {
	if ws.Pause != nil {
		ws.Pause()
	}
}

// fit makes room for tokens in texts of at most longest.
func (ws *Workspace) fit(tokens, longest int) {
	m := ws.model
	grow(&ws.hidden, tokens*m.hidden.stride)
	grow(&ws.query, tokens*m.head.stride)
	grow(&ws.key, tokens*m.head.stride)
	grow(&ws.value, tokens*m.head.stride)
	grow(&ws.context, tokens*m.head.size())
	grow(&ws.keys, simd.PanelsLen(longest, m.head.stride))
	grow(&ws.scores, min(tokens, queryBlock)*roundUp(longest))
	grow(&ws.sum, min(tokens, rowBlock)*m.hidden.stride)
	grow(&ws.inner, min(tokens, rowBlock)*m.intermediate.stride)
}

// grow makes a buffer of at least n values. It keeps no values: a new buffer is all zero.
func grow(b *[]float32, n int) {
	if len(*b) < n {
		*b = make([]float32, n)
	}
}
