package encoder

import (
	"iter"

	"searchd/internal/simd"
)

// Batch is a set of texts as token ids, special tokens included: text i is IDs[Ends[i-1]:Ends[i]].
type Batch struct {
	IDs  []int32
	Ends []int
	// Seconds says, where a text is a pair, how many tokens come before its second part; 0 means a single text. A list
	// that is shorter than Ends is as if zeros followed.
	Seconds []int
}

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() { b.IDs, b.Ends, b.Seconds = b.IDs[:0], b.Ends[:0], b.Seconds[:0] }

// Close ends the text made of the ids appended to IDs since the last one.
func (b *Batch) Close() { b.ClosePair(0) }

// ClosePair ends a text like Close; its second part begins after that many tokens.
func (b *Batch) ClosePair(second int) {
	b.Ends, b.Seconds = append(b.Ends, len(b.IDs)), append(b.Seconds, second)
}

// second is the first position of text i that has token type 1.
func (b *Batch) second(i int) int {
	if i < len(b.Seconds) && b.Seconds[i] > 0 {
		return b.Seconds[i]
	}
	return len(b.IDs)
}

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
// has seen, by about 5 KB a token at 384 hidden values, besides 1 MB.
//
// Columns that rounding added to a buffer are zero when it is allocated and are only ever written as zero.
type Workspace struct {
	// Pause, where it is set, is called a few times in each layer, so that a long pass can make way for a short one. It
	// must leave this workspace alone.
	Pause func()

	// Threads is how many goroutines share a pass; 0 is one. More pay while other cores have nothing to do.
	Threads int

	// Alone, where it is set, is asked before each layer of a shared pass whether other cores still have nothing to do. Once they
	// have, the pass goes on without helpers.
	Alone func() bool

	model *Model
	pass  pass
	crowd crowd

	hidden  []float32 // [T][H] the state
	context []float32 // [T][heads·D]
	sum     []float32 // [rowBlock][H]
	inner   []float32 // [rowBlock][intermediate], if floats are multiplied

	// The same as integers, where layers multiply those.
	wholeHidden, wholeContext, wholeInner integers

	heads []headSpace // one a thread
	tiles tileSpace   // instead of these, of a model in tiles

	vector, next []float32 // of one text, before and after a dense layer
}

// headSpace is what the attention of one head needs.
type headSpace struct {
	query  []float32 // [T][D]
	key    []float32 // [T][D]
	value  []float32 // [D/32][T][32]
	keys   []float32 // panels of the keys of one text
	scores []float32 // [queryBlock][longest text, rounded up]
	inner  []float32 // [rowBlock][growPanels·32], if integers are multiplied
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
	if m.tiled {
		ws.tiles.fit(m, tokens, longest, max(ws.Threads, 1))
		return
	}
	grow(&ws.context, tokens*m.head.size())
	grow(&ws.sum, min(tokens, rowBlock)*m.hidden.stride)
	ws.fitInner(min(tokens, rowBlock), tokens)
	for len(ws.heads) < max(ws.Threads, 1) {
		ws.heads = append(ws.heads, headSpace{})
	}
	for i := range max(ws.Threads, 1) {
		ws.heads[i].fit(m, tokens, longest)
	}
}

// fitInner makes room for what depends on how layers multiply.
func (ws *Workspace) fitInner(block, tokens int) {
	m := ws.model
	for i := range m.layers {
		l := &m.layers[i]
		if l.takesIntegers() {
			ws.wholeHidden.fit(tokens, m.hidden.size(), m.eight, m.wide)
		}
		if l.output.integers() {
			ws.wholeContext.fit(block, m.head.size(), m.eight, nil)
		}
		if l.shrink.integers() {
			ws.wholeInner.fit(block, m.intermediate.size(), m.eight, nil)
		} else {
			grow(&ws.inner, block*m.intermediate.size())
		}
	}
}

// input is the state of row first and of those after it, as a layer wants it.
func (ws *Workspace) input(first int) rows {
	x := rows{floats: ws.hidden[first*ws.model.hidden.stride:]}
	if ws.wholeHidden.used() {
		x.whole = ws.wholeHidden.from(first)
	}
	return x
}

// round keeps the state of row i as integers, too, if a layer takes those.
func (ws *Workspace) round(i int) {
	if ws.wholeHidden.used() {
		ws.wholeHidden.quantize(i, 0, ws.hidden[i*ws.model.hidden.stride:][:ws.model.hidden.stride])
	}
}

// addNorm sets rows of the block that begins at first to the norm of themselves plus what was computed for them.
func (ws *Workspace) addNorm(n *norm, first int, block iter.Seq[int]) {
	stride := ws.model.hidden.stride
	for i := range block {
		row := ws.Row(first + i)
		simd.AddLayerNorm(row, row, ws.sum[i*stride:][:len(row)], n.gamma, n.beta, n.epsilon)
		ws.round(first + i)
	}
}

func (hs *headSpace) fit(m *Model, tokens, longest int) {
	grow(&hs.query, tokens*m.head.stride)
	grow(&hs.key, tokens*m.head.stride)
	grow(&hs.value, tokens*m.head.stride)
	grow(&hs.keys, simd.PanelsLen(longest, m.head.stride))
	grow(&hs.scores, min(tokens, queryBlock)*roundUp(longest))
	grow(&hs.inner, min(tokens, rowBlock)*growPanels*simd.PanelWidth)
}

// grow makes a buffer of at least n values. It keeps no values: a new buffer is all zero.
func grow[T float32 | simd.BFloat16](b *[]T, n int) {
	if len(*b) < n {
		*b = make([]T, n)
	}
}
